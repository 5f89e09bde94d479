"""What the process gives up before it touches keys or weights: core dumps, tracing, readable files.

Also the list of environment variables that vLLM gets. It is a list of what passes: anything else,
such as ``VLLM_SERVER_DEV_MODE`` (opens endpoints without authentication),
``VLLM_ALLOW_RUNTIME_LORA_UPDATING`` (loads any path on request) or debugging switches that log
prompts, does not reach it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Mapping
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_DUMPABLE: Final = 4
# Loaded once at import: a child between fork and exec must not load libraries.
_LIBC: Final = ctypes.CDLL(None, use_errno=True)

PASSED_VARIABLES: Final = frozenset(
    {
        "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LOGNAME", "PATH",
        "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "XDG_CACHE_HOME",
        "CUDA_DEVICE_ORDER", "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
        "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCM_PATH", "ROCR_VISIBLE_DEVICES",
        "NCCL_IB_DISABLE", "NCCL_P2P_DISABLE", "NCCL_SHM_DISABLE", "NCCL_SOCKET_IFNAME",
        "GLOO_SOCKET_IFNAME", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTORCH_CUDA_ALLOC_CONF",
        "VLLM_CACHE_ROOT", "VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_OMP_THREADS_BIND", "VLLM_HOST_IP",
        "VLLM_WORKER_MULTIPROC_METHOD",
    }
)  # fmt: skip


def harden_process() -> None:
    """Make new files private, forbid core dumps and forbid other processes to read our memory.

    For the whole process and, but for the last, everything it starts. Linux only.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies. Called between fork and exec."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def scrub_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return only those variables of *environment* that vLLM may see."""
    return {name: value for name, value in environment.items() if name in PASSED_VARIABLES}
