"""Numbers of patients after a Chinese word: admission, outpatient, record, card, insurance."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import SIGN_OF_DIGIT, spread_words

_AFTER_WORD: Final = Context(
    words=(
        *words_of(
            "住院号 住院号码 住院编号 住院病历号 病历号 病历编号 病案号 病案首页号 门诊号 门诊卡号 "
            "门急诊号 急诊号 就诊卡 就诊卡号 就诊号 就诊序号 诊疗卡 诊疗卡号 医保卡 医保卡号 "
            "医保号 "
            "医保编号 社保卡号 社保号 社会保障号 社会保障卡号 健康卡号 健康档案号 患者编号 患者号 "
            "病人号 病人编号 病员号 登记号 检查号 影像号 放射号 超声号 病理号 标本号 条码号 "
            "挂号单号 "
            "体检号 体检编号 体检卡号 诊疗号 诊号 住院登记号 病理编号 检验编号 标本编号 "
            "健康档案 体检档案 档案已 档案合并 档案并入 归入档案 "
            "建档号 病案 就诊 住院流水号 病歷號 住院號 門診號 健保卡號 mrn patient_id"
        ),
        *spread_words("住院号 病历号 病案号 门诊号 登记号 就诊号 患者号"),
        "mrn",
        "mrn_no",
        "patient_id",
        "patient_no",
        "patientid",
        "inpatient_no",
        "admission_no",
        "medical_record_no",
        "record_no",
    ),
    gap=14,
    filler=None,
)
_FEWEST_DIGITS: Final = 5
_SHORTEST_DATE: Final = 6


def _is_record(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return sum(char.isdigit() for char in value) >= _FEWEST_DIGITS


_RECORD: Final = Detector(
    label="MRN",
    name="cn-medical-number",
    pattern=r"[a-z]{0,4}[\-#]?\d{1,4}[\-_ ]?\d{1,8}([\-_ ]?\d{1,8})?[a-z]?",
    not_after=r"[a-z0-9.]",
    not_before=r"[a-z0-9]|\.\d|[年月人元例张次岁个天位]",
    after=(_AFTER_WORD,),
    check=_is_record,
)

_SAID: Final = Detector(
    label="MRN",
    name="cn-medical-number-said",
    pattern=rf"([a-z]{{1,4}}\s{{0,3}})?{SIGN_OF_DIGIT}(\s{{0,4}}{SIGN_OF_DIGIT}){{5,13}}",
    not_after=r"[a-z0-9.]",
    not_before=r"[a-z0-9]|[年月人元例张次岁个天位]",
    after=(_AFTER_WORD,),
)

CN_MEDICAL_NUMBERS: Final = (_RECORD, _SAID)
