"""What is in a bundle, for inventories: a minimal CycloneDX 1.6 document.

It is readable without any key and holds no secret: paths, sizes and digests. The same content
gives the same bytes; its digest is in the signed manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from serving.manifest import BaseModel, SealedEntry


def write_bill_of_materials(
    model_name: str, entries: Iterable[SealedEntry], *, base_model: BaseModel | None
) -> bytes:
    """Return the document: the model as main component, each file with its SHA-256 below it.

    The digests are those of the open files, so that they can be compared with what was trained. A
    LoRA adapter names its base model as a dependency.
    """
    main: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": model_name,
        "name": model_name,
    }
    components: list[dict[str, Any]] = [
        {
            "type": "file",
            "bom-ref": f"{model_name}/{entry.path}",
            "name": entry.path,
            "hashes": [{"alg": "SHA-256", "content": entry.plaintext_sha256}],
            "properties": [{"name": "sealgate:size_bytes", "value": str(entry.size)}],
        }
        for entry in entries
    ]
    depends_on = [component["bom-ref"] for component in components]
    if base_model is not None:
        # The name alone could be that of the adapter itself; references must be unique.
        reference = f"base:{base_model.content_sha256}"
        components.append(
            {
                "type": "machine-learning-model",
                "bom-ref": reference,
                "name": base_model.model_name,
                "properties": [
                    {"name": "sealgate:content_sha256", "value": base_model.content_sha256}
                ],
            }
        )
        depends_on.append(reference)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": main},
        "components": components,
        "dependencies": [{"ref": model_name, "dependsOn": depends_on}],
    }
    return json.dumps(document, indent=1, sort_keys=True).encode("ascii") + b"\n"
