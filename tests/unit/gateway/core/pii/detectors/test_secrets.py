"""Keys, tokens and passwords."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("ghp_a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4zz is out", "[SECRET] is out"),
    ("AKIAQ2W3E4R5T6Y7U8I9", "[SECRET]"),
    ("sk-proj-a1B2c3D4e5F6g7H8a1B2c3D4e5F6g7H8a1B2c3D4e5F6g7H8", "[SECRET]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[SECRET]"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\n"
        + "MIIEow" * 10
        + "\nabc=\n-----END RSA PRIVATE KEY-----\nbye",
        "[SECRET]\nbye",
    ),
    ("postgres://app:h4nter2x@db.test:5432/x y", "[SECRET] y"),
    ("password: Tr0ub4dor&3", "password: [SECRET]"),
    ("密码：Tr0ub4dor3", "密码：[SECRET]"),
    ("MAP_KEY=evO/WUNcDgYMiqyxEoEqdsGmo0EJv1hZYw", "MAP_KEY=[SECRET]"),
    ("curl -u ops:4638hf43 https://ci.test/run", "curl -u [SECRET] https://ci.test/run"),
    ("api_key = 'q8Zr2Lw9Xc4Vb7Nm1Kd5'", "api_key = '[SECRET]'"),
    ("sshpass -p sonnig5142 scp a b", "sshpass -p [SECRET] scp a b"),
    ("redis-cli -h cache -a yiyan@19x96 get k", "redis-cli -h cache -a [SECRET] get k"),
    ("?user=app&password=Lm4!kkpQ", "?user=app&password=[SECRET]"),
]

NEAR_MISSES = [
    "YOUR_API_KEY",
    "sk-xxxxxxxxxxxxxxxx",
    "password: required",
    "api_key = 'your-api-key-goes-here1'",
    "commit a746afc21a975a495cfb3aef993791588dbd6c2d",
    "token f1e29161-b7af-4e14-a8a5-70c69d38b799",
    "https://example.com/path?a=b",
    "the secret of success",
    "password: 123",
    "password: 123456",
    "password = getpass.getpass()",
    "docker run -u 1000:1000",
    "postgres://user:password@host/db",
    'password = os.environ["DB_PASSWORD"]',
    "password = get_password()",
    "mkdir -p /srv/data2024",
    "ls -a file_2024",
    "mysql -p 3306",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Keys with a known prefix count anywhere, others behind their word."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Placeholders, hashes, identifiers and plain words stay."""
    assert scrub(text) == text


@pytest.mark.parametrize(
    "field", ["apiToken", "signingSecret", "storage key", "jwtSecret", "JSESSIONID", "deploy-key"]
)
def test_composed_fields_announce_a_key(field: str) -> None:
    """Whose key it is and the word for it are found in any case and joint."""
    assert scrub(f"{field}: 3ItQUDGStBSj1hYuCa3cnYn6") == f"{field}: [SECRET]"


@pytest.mark.parametrize("field", ["rootPassword", "keystore_password", "door code", "wifi key"])
def test_composed_fields_announce_a_password(field: str) -> None:
    """The same for passwords and codes of doors and networks."""
    assert scrub(f"{field}: R4in!drop77") == f"{field}: [SECRET]"


@pytest.mark.parametrize(
    "text",
    [
        "sorted(items, key=lambda x: x[1])",
        "access code review 2.0",
        "random seed: 12345",
        "the session cookie expires after 3600 seconds",
        "license key is invalid",
    ],
)
def test_texts_about_keys_stay(text: str) -> None:
    """Code and prose that name such a field stay."""
    assert scrub(text) == text
