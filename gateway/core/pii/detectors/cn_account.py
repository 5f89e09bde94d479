"""Bank accounts and cards after a Chinese word for them, whatever their check digit."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import digits_of, spread_words

_AFTER_ACCOUNT: Final = Context(
    words=(
        *words_of(
            "基本户 一般户 专用户 临时户 结算户 监管户 对公账户 公户 收款户 付款户 入账户 "
            "银行户 账号 帐号 账户 帐户 賬號 帳號 賬戶 帳戶 收款号 对公户 银行户口 户口号码 "
            "存折 存折号 "
            "存摺 收款账户 开户账号 结算账户 公积金账号 公积金号 股东代码 资金账号 证券账号"
        ),
        *spread_words("账号 账户 户号"),
        "account_no",
        "bank_account",
        "acct_no",
        "accountno",
        "account_number",
        "bankaccount",
    ),
    gap=60,
    filler=None,
)
_AFTER_CARD: Final = Context(
    words=(
        *words_of(
            "卡号 卡號 银行卡 銀行卡 储蓄卡 借记卡 信用卡 工资卡 尾号卡 贷记卡 社保卡 主卡 副卡 "
            "尾款卡 结算卡 card_no card_number card"
        ),
        "card_no",
        "cardno",
        "card_number",
        "bank_card",
        "bankcard",
        "cardnum",
    ),
    gap=24,
    filler=None,
)
# The head of a column, as far as its rows go.
_AFTER_HEAD: Final = Context(
    words=words_of("账号 帐号 账户 卡号 银行卡 银行账户 一折通 一卡通 工资卡 收款账户 賬號 帳號"),
    gap=1500,
    filler=None,
    stops=frozenset(),
)
# Numbers of things, which also stand beside accounts.
_NOT_AFTER: Final = Context(
    words=words_of(
        "订单 订单号 订单编号 运单号 快递单 单号 流水号 交易号 发票代码 发票号码 税号 信用代码 "
        "编号 合同号 货号 条码 序列号 时间戳 电话 手机 手机号 行号 联行号 金额 余额 订单id id 版本 "
        "凭证号 批次号 参考号 支付宝 微信 代码 编码 邮编 哈希"
    ),
    gap=6,
)
# Bank accounts have 9 to 30 digits, payment cards 14 to 19 (ISO/IEC 7812-1).
_ACCOUNT_LENGTHS: Final = range(9, 31)
_CARD_LENGTHS: Final = range(14, 20)


def _is_account(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(digits_of(value)) in _ACCOUNT_LENGTHS


def _is_card(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(digits_of(value)) in _CARD_LENGTHS


def _is_cell(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return before.endswith(("|", "\t", ",", ";", "| ")) or before[-2:-1].isdigit()


_ACCOUNT: Final = Detector(
    label="BANK_ACCOUNT",
    name="cn-bank-account",
    pattern=r"\d{3,6}([ \-]?\d{3,6}){1,6}|\d{9,30}",
    not_after=r"[a-z0-9.*]",
    not_before=r"[a-z0-9*]|[.\-]\d|[年月元分秒毫]| ?\*",
    after=(_AFTER_ACCOUNT,),
    unless=(_NOT_AFTER,),
    check=_is_account,
)

_IN_COLUMN: Final = Detector(
    label="BANK_ACCOUNT",
    name="cn-account-in-column",
    pattern=r"\d{12,21}",
    not_after=r"[a-z0-9.*\-_:]",
    not_before=r"[a-z0-9*]|[.\-]\d| ?\*",
    after=(_AFTER_HEAD,),
    unless=(_NOT_AFTER,),
    check=_is_cell,
)

_CARD: Final = Detector(
    label="BANK_CARD",
    name="cn-card-announced",
    pattern=r"[2-69]\d{2,5}([ \-]?\d{2,6}){2,5}|[2-69]\d{14,18}",
    not_after=r"[a-z0-9.*]",
    not_before=r"[a-z0-9*]|[.\-]\d|[年月元分秒毫]| ?\*",
    after=(_AFTER_CARD,),
    unless=(_NOT_AFTER,),
    check=_is_card,
)

CN_ACCOUNTS: Final = (_ACCOUNT, _CARD, _IN_COLUMN)
