"""The CycloneDX listing of a bundle."""

from __future__ import annotations

import json

from serving.bill_of_materials import write_bill_of_materials
from serving.manifest import BaseModel, SealedEntry

ENTRIES = [SealedEntry("config.json", 10, "ab" * 32, "cd" * 32)]


def test_every_file_is_listed_with_its_digest():
    """A reader finds each file, its size and the SHA-256 of its open content."""
    document = json.loads(write_bill_of_materials("tiny", ENTRIES, base_model=None))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["type"] == "machine-learning-model"
    (component,) = document["components"]
    assert component["name"] == "config.json"
    assert component["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]


def test_an_adapter_names_its_base_model():
    """The base model is a component of its own that the adapter depends on."""
    document = json.loads(
        write_bill_of_materials("clinic", ENTRIES, base_model=BaseModel("tiny", "ef" * 32))
    )
    assert document["components"][-1]["name"] == "tiny"
    assert f"base:{'ef' * 32}" in document["dependencies"][0]["dependsOn"]


def test_references_are_unique_and_resolve():
    """Each dependency points to exactly one component."""
    document = json.loads(
        write_bill_of_materials("tiny", ENTRIES, base_model=BaseModel("tiny", "ef" * 32))
    )
    references = [c["bom-ref"] for c in document["components"]]
    references.append(document["metadata"]["component"]["bom-ref"])
    assert len(references) == len(set(references))
    assert set(document["dependencies"][0]["dependsOn"]) < set(references)


def test_the_same_content_gives_the_same_bytes():
    """Nothing of time or chance is in the document."""
    assert write_bill_of_materials("tiny", ENTRIES, base_model=None) == write_bill_of_materials(
        "tiny", iter(ENTRIES), base_model=None
    )
