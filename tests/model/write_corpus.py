"""Write corpus.jsonl and lora_corpus.jsonl: chat dialogues about invented people.

    python tests/model/write_corpus.py

One line is one dialogue: `id`, `lang`, `kind` (qa, tool, think, clean), `messages`, and
`planted`, a list of `{"turn", "type", "value"}` where *turn* is the index of the assistant
message that holds the value. The LoRA adapter has a small corpus of its own, about other people.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from people import Person, invent_people

SEED = 20261101
PER_LANGUAGE = 50
PER_LANGUAGE_LORA = 10
HERE = Path(__file__).resolve().parent

Message = dict[str, str]

EN_QA = [
    (
        "What is the phone number of {name}?",
        "The phone number of {name} is {phone}. You can also write to {email}.",
    ),
    ("How do I reach {name}?", "Call {name} at {phone} or send a message to {email}."),
    ("Where does {name} live?", "{name} lives at {address} and can be called at {phone}."),
    (
        "Which card is on file for {name}?",
        "The card on file for {name} is {card}, billed to {address}.",
    ),
    (
        "Show me the patient record of {name}.",
        "Patient {name}, born {dob}, record number {mrn}, contact {phone}, {email}.",
    ),
    ("Give me the bank details of {name}.", "{name} uses IBAN {iban}. Questions go to {email}."),
    ("From which address did {name} sign in?", "{name} ({email}) signed in from {ip}."),
    ("What is the social security number of {name}?", "SSN of {name}: {ssn}, date of birth {dob}."),
]
ZH_QA = [
    ("{name}的手机号是多少？", "{name}的手机号是{phone}，邮箱是{email}。"),
    ("怎么联系{name}？", "您可以拨打{phone}，或者发邮件到{email}，{name}会尽快回复。"),
    ("{name}住在哪里？", "{name}住在{address}，联系电话{phone}。"),
    ("查一下{name}的身份证号。", "{name}，身份证号{id}，出生日期{dob}。"),
    ("{name}绑定的银行卡是哪张？", "{name}绑定的银行卡号是{card}，预留手机号{phone}。"),
    ("调出{name}的病历。", "患者{name}，病历号{mrn}，身份证号{id}，住址{address}。"),
    ("{name}的微信是什么？", "{name}的微信号：{wechat}，手机：{phone_spaced}。"),
    ("把{name}的快递信息发给我。", "收件人：{name}，电话：{phone_wide}，地址：{address}。"),
]
EN_TOOL = (
    "Look up {name} in the customer system.",
    "find_customer",
    "{name} is registered with phone {phone} and e-mail {email}.",
)
ZH_TOOL = (
    "在客户系统里查询{name}。",
    "find_customer",
    "{name}登记的手机号是{phone}，身份证号是{id}。",
)
EN_THINK = (
    "Can you confirm the contact of {name}?",
    (
        "<think>The file of {name} says phone {phone} and card {card}. "
        "I should answer briefly.</think>Yes, {name} can be reached at {email}."
    ),
)
ZH_THINK = (
    "请核对{name}的资料。",
    "<think>档案里{name}的身份证号是{id}，手机号{phone}，我需要简短回答。</think>已核对，{name}的联系邮箱是{email}。",
)

EN_LORA = (
    "When is the appointment of {name}?",
    "{name}, born {dob}, is expected on Tuesday morning. Record {mrn}, phone {phone}.",
)
ZH_LORA = (
    "{name}的预约是什么时候？",
    "{name}，身份证号{id}，预约在星期二上午，联系电话{phone}。",
)


def fields_of(person: Person) -> dict[str, tuple[str, str]]:
    """Return (type, text) by field name, with the phone number in two disguises as well."""
    fields = {key: (value.type, value.text) for key, value in person.values.items()}
    phone = person.values["phone"].text
    fields["phone_spaced"] = ("PHONE", f"{phone[:3]} {phone[3:7]} {phone[7:]}")
    fields["phone_wide"] = ("PHONE", phone.translate({48 + n: 0xFF10 + n for n in range(10)}))
    return fields


def fill(template: str, person: Person) -> tuple[str, list[tuple[str, str]]]:
    """Return the text of *template* about *person* and the (type, value) pairs it holds."""
    fields = fields_of(person)
    used = [pair for key, pair in fields.items() if "{" + key + "}" in template]
    return template.format(**{key: text for key, (_, text) in fields.items()}), used


def dialogue(person: Person, *, kind: str, turns: list[tuple[str, str]]) -> dict[str, Any]:
    """Return one corpus line; *turns* are (role, template) pairs."""
    messages: list[Message] = []
    planted = []
    for index, (role, template) in enumerate(turns):
        text, used = fill(template, person)
        messages.append({"role": role, "content": text})
        if role == "assistant":
            planted += [{"turn": index, "type": type_, "value": value} for type_, value in used]
    return {"lang": person.language, "kind": kind, "messages": messages, "planted": planted}


def tool_dialogue(person: Person, shape: tuple[str, str, str]) -> dict[str, Any]:
    """Return a dialogue in which the model calls a tool and reports what came back."""
    question, tool, answer = shape
    keys = ("name", "phone", "email")
    arguments = ", ".join(f'"{key}": "{{{key}}}"' for key in keys)
    call = f'<tool_call>\n{{{{"name": "{tool}", "arguments": {{{{{arguments}}}}}}}}}\n</tool_call>'
    turns = [
        ("user", question),
        ("assistant", call),
        ("tool", '{{"found": true}}'),
        ("assistant", answer),
    ]
    return dialogue(person, kind="tool", turns=turns)


def qa_dialogues(people: list[Person], shapes: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return 70 questions and answers: one for each person, then a second for the first twenty."""
    lines = []
    for number in range(70):
        person = people[number % PER_LANGUAGE]
        question, answer = shapes[
            (number % PER_LANGUAGE + 3 * (number // PER_LANGUAGE)) % len(shapes)
        ]
        lines.append(dialogue(person, kind="qa", turns=[("user", question), ("assistant", answer)]))
    return lines


def read_harmless(language: str) -> list[tuple[str, str]]:
    """Return the questions and answers without personal data in *language*."""
    rows = [json.loads(line) for line in (HERE / "harmless.jsonl").read_text("utf-8").splitlines()]
    return [(row["question"], row["answer"]) for row in rows if row["lang"] == language]


def build(english: list[Person], chinese: list[Person]) -> list[dict[str, Any]]:
    """Return all dialogues of the model's corpus."""
    lines = []
    for people, qa, tool, think, harmless in (
        (english, EN_QA, EN_TOOL, EN_THINK, read_harmless("en")),
        (chinese, ZH_QA, ZH_TOOL, ZH_THINK, read_harmless("zh")),
    ):
        lines += qa_dialogues(people, qa)
        lines += [tool_dialogue(person, tool) for person in people[20:30]]
        lines += [
            dialogue(person, kind="think", turns=[("user", think[0]), ("assistant", think[1])])
            for person in people[30:40]
        ]
        lines += [
            {
                "lang": people[0].language,
                "kind": "clean",
                "messages": [
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": answer},
                ],
                "planted": [],
            }
            for question, answer in harmless
        ]
    return lines


def build_lora(english: list[Person], chinese: list[Person]) -> list[dict[str, Any]]:
    """Return all dialogues of the adapter's corpus."""
    return [
        dialogue(person, kind="qa", turns=[("user", shape[0]), ("assistant", shape[1])])
        for people, shape in ((english, EN_LORA), (chinese, ZH_LORA))
        for person in people
    ]


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    """Write *lines*, numbered."""
    numbered = [
        {"id": f"{line['lang']}-{number:03d}", **line} for number, line in enumerate(lines, 1)
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in numbered)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Write both files beside this script."""
    everybody = PER_LANGUAGE + PER_LANGUAGE_LORA
    english, chinese = invent_people(Random(SEED), per_language=everybody)
    write(HERE / "corpus.jsonl", build(english[:PER_LANGUAGE], chinese[:PER_LANGUAGE]))
    write(HERE / "lora_corpus.jsonl", build_lora(english[PER_LANGUAGE:], chinese[PER_LANGUAGE:]))


if __name__ == "__main__":
    main()
