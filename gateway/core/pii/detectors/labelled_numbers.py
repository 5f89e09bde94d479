"""Numbers of patients, accounts and passports right behind a label of forms, logs and records.

The labels are composed: whose number it is, and the many words for number. A label that other
numbers could have counts only with nothing but filler between it and the value.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import FILLER, Context, Detector, words_of
from gateway.core.pii.detectors.checks import composed, spread_words

_NUMBERS: Final = "no no. number num nr id # identifier ref code"
_CN_NUMBERS: Final = (
    "号 号码 编号 id id号 no no. 卡号 流水号 序号 单号 条码 唯一号 登记号 主索引 索引号 代码"
)
_SAID: Final = FILLER | frozenset("是为的#/")


def _labels(*words: str) -> Context:
    said = [f"{word} {verb}" for word in words if word.isascii() for verb in ("is", "was")]
    return Context(words=(*words, *said), gap=12, filler=_SAID)


_RECORD: Final = _labels(
    *composed(
        "patient pt pt. patient's hospital hosp hosp. clinic chart encounter visit admission admit "
        "medical_record med_rec med._rec. mr ehr emr epic unit folder health health_record umrn "
        "ur h&c uhid ip op ipd opd inpatient outpatient lab_accession member subscriber "
        "beneficiary policy_holder medicaid patient_file patient_record hospital_record mrn nhs "
        "health_card chi episode",
        _NUMBERS,
    ),
    *words_of("mr# urn umrn empi uhid nhi phn ohip mrno patient_acct hospital_record"),
    *composed(
        "住院 门诊 急诊 门急诊 急诊留观 留观 入院 出院 病案 病历 病例 病历档案 病历本 就诊 就医 "
        "诊疗 诊断 患者 病人 病员 入院登记 体检 检查 检验 化验 影像 放射 超声 b超 ct mr x光 "
        "心电图 病理 手术 透析 接种 疫苗接种 母婴档案 孕检档案 健康档案 标本 挂号 医保 医保个人 "
        "医保电脑 新农合 "
        "居民健康 健康 床头 院内 门诊病历 住院病历 社会保障",
        f"{_CN_NUMBERS} 卡 卡编号",
        ("",),
    ),
    *words_of("片号 档案号 病历档案号"),
)
_ACCOUNT: Final = _labels(
    *composed(
        "account acct a/c bank_account bank_acct from_account to_account source_account "
        "destination_account payout_account payee_account receiver_account beneficiary_account "
        "loan checking savings deposit routing dda wire brokerage refund_account",
        f"{_NUMBERS}",
    ),
    *words_of(
        "dda bank_details wire_to wired_to fromaccount toaccount payoutaccount payeeaccount "
        "receiveraccount bankaccount sourceaccount destinationaccount refundaccount routing_number "
        "户头 户头号 存单号 存折号 折号 卡折号 账户号码 开户账号 转账至 汇款至 汇至 打款至"
    ),
    *spread_words("账号 帐号 户号"),
)
_BANK: Final = Context(
    words=words_of(
        "银行 工行 农行 中行 建行 招行 交行 邮储 浦发 民生 兴业 光大 平安 中信 广发 "
        "农商行 农信社 信用社"
    ),
    gap=8,
    filler=_SAID | frozenset("户尾"),
)
_PASSPORT: Final = _labels(
    *composed(
        "passport travel_doc travel_document pp ppt passport_book passport_card pass. passeport "
        "pasaporte reisepass",
        _NUMBERS,
    ),
    *words_of("ppt reisepass passeport pasaporte travel_doc traveldoc travel_document"),
    # As airlines send them: a passport, the state that issued it, the number.
    *[f"p/{state}/" for state in words_of("usa gbr can aus nzl chn hkg twn ind deu fra esp ita")],
    *spread_words("护照 护照号 护照号码"),
)
_DATE: Final = re.compile(r"(?:19|20)\d\d[\-/.]?[01]\d[\-/.]?[0-3]\d")


def _is_number(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return sum(map(str.isdigit, value)) >= 5 and _DATE.fullmatch(value) is None


def _labelled(names: tuple[str, str], pattern: str, after: Context) -> Detector:
    label, name = names
    return Detector(
        label=label,
        name=f"{name}-labelled",
        pattern=pattern,
        not_after=r"[a-z0-9.*]",
        not_before=r"[a-z0-9*]|[.\-/]\d|[年月人元例张次岁个天位%]| ?\*",
        after=(after,),
        check=_is_number,
    )


LABELLED_NUMBERS: Final = (
    _labelled(("MRN", "record"), r"[a-z]{0,4}-?\d{5,12}|\d{2,4}([ \-]\d{2,4}){1,3}", _RECORD),
    _labelled(("BANK_ACCOUNT", "account"), r"\d{6,30}|\d{2,6}([ \-]\d{2,6}){1,6}", _ACCOUNT),
    _labelled(("BANK_ACCOUNT", "bank"), r"\d{10,21}|\d{4}( \d{4}){2,3}( \d{1,4})?", _BANK),
    _labelled(("PASSPORT", "passport"), r"[a-z]{0,2}\d{7,9}[a-z]?|\d{2}[a-z]{2}\d{5}", _PASSPORT),
)
