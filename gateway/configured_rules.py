"""What was configured, as the rules that the control plane goes by."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from gateway.control.key_rules import KeyRules
from gateway.control.room import RoomRules
from gateway.control.snapshot import Policies
from gateway.control.tokens import TokenRules
from gateway.control.two_person import TwoPersonAct, TwoPersonRule
from gateway.core.keyring import KeyAlgorithm, KeyUse
from gateway.core.lockout import LockoutRules
from gateway.core.policy import HERE_ONLY, ModelPolicy
from gateway.core.scrub_rules import SILENT
from gateway.core.tokens import MAX_LEEWAY
from gateway.settings import Configuration, Settings

_KEY_ALGORITHMS = {"EdDSA": KeyAlgorithm.ED25519, "ES256": KeyAlgorithm.P256}


def room_rules(configuration: Configuration) -> RoomRules:
    """Return the rules of the control room."""
    settings = configuration.settings
    return RoomRules(
        tokens=_token_rules(configuration),
        keys=_key_rules(settings),
        policies=policies(settings),
        lockout=_lockout_rules(settings),
        access_log_keep_days=settings.access_log.retention_days,
        two_person=TwoPersonRule(
            frozenset(map(TwoPersonAct, settings.admin.two_person)),
            timedelta(minutes=settings.admin.proposal_minutes),
        ),
        reclaim_idle_days=settings.permissions.reclaim_idle_days,
    )


def policies(settings: Settings) -> Policies:
    """Return what of the configuration is in each snapshot, and so can change while it serves."""
    scrub = settings.scrub
    models = {
        name: ModelPolicy(
            model.production,
            model.clearance,
            model.location,
            scrub.models[name].rules() if name in scrub.models else SILENT,
        )
        for name, model in settings.models.items()
    }
    locations = {
        data_class: frozenset(rule.locations) for data_class, rule in settings.data_classes.items()
    }
    return Policies(
        MappingProxyType(models),
        MappingProxyType({**HERE_ONLY, **locations}),
        scrub.rules(),
        settings.requests.limits(),
    )


def sections_of_start(old: Settings, new: Settings) -> list[str]:
    """Return the sections in which *new* differs from *old* by more than :func:`policies`.

    That takes a process that is started with *new*: objects all over the gateway were made of it.
    """
    forms = {name: getattr(old.scrub, name) for name in ("default", "types", "models")}
    rest = new.model_copy(
        update={
            "models": old.models,
            "data_classes": old.data_classes,
            "requests": old.requests,
            "scrub": new.scrub.model_copy(update=forms),
        }
    )
    return [name for name in Settings.model_fields if getattr(rest, name) != getattr(old, name)]


def _token_rules(configuration: Configuration) -> TokenRules:
    tokens = configuration.settings.tokens
    return TokenRules(
        issuer=configuration.issuer,
        audience=tokens.audience,
        lifetime=timedelta(seconds=tokens.lifetime_seconds),
        dpop_nonce_required=tokens.dpop_nonce_required,
    )


def _lockout_rules(settings: Settings) -> LockoutRules:
    limits = settings.limits
    return LockoutRules(
        failures=limits.lockout_failures, window=timedelta(seconds=limits.lockout_window_seconds)
    )


def _key_rules(settings: Settings) -> KeyRules:
    default = KeyRules()
    encryption, tokens = settings.encryption, settings.tokens
    return KeyRules(
        overlap={
            **default.overlap,
            KeyUse.SIGNING: timedelta(seconds=tokens.lifetime_seconds) + 2 * MAX_LEEWAY,
            KeyUse.ENCRYPTION: timedelta(seconds=encryption.overlap_seconds),
        },
        rotate_after={
            **default.rotate_after,
            KeyUse.ENCRYPTION: timedelta(hours=encryption.rotate_after_hours),
        },
        publish_after={
            **default.publish_after,
            KeyUse.SIGNING: timedelta(seconds=tokens.prepublish_seconds),
        },
        signing_algorithm=_KEY_ALGORITHMS[settings.tokens.algorithm],
    )
