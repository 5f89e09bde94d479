"""Chinese addresses as far as a house, a flat or a group of a village; towns and regions stay.

An address is told by its parts: ``路``, a number and ``号``, then ``栋``, ``单元`` and ``室``. It
begins behind a word that announces one, or behind the province, city or district, which may stay.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.syntax import is_han

_AFTER_WORD: Final = Context(
    words=(
        *words_of(
            "地址 地_址 住_址 住址 家住 现住 现住址 现居 现居住地 居住地 居住地址 居住于 居住在 "
            "居住 住在 住于 住 户籍 户籍地 户籍地址 户籍所在地 户口所在地 户口地址 籍贯 收货地址 "
            "收件地址 发货地址 发货地 寄件地址 寄回地址 退货地址 邮寄地址 邮寄 邮寄至 邮寄到 "
            "寄至 寄到 寄往 寄回 寄去 送到 送至 送往 送货 送货地址 送货到 派送至 派送到 配送至 "
            "配送到 上门地址 取件地址 取货地址 坐落 坐落于 座落 座落于 位于 暂住 暂住地 暂住地址 "
            "常住 常住地址 租住 租住在 租房 搬到 搬至 搬去 搬家到 家庭住址 家庭地址 通讯地址 "
            "通信地址 联系地址 办公地址 单位地址 公司地址 注册地址 经营地址 营业地址 登记住址 "
            "登记地址 身份证地址 房产地址 房屋地址 房屋坐落 不动产坐落 标的物 事发地 案发地 "
            "出事地点 接送地点 上车地点 下车地点 家在 老家 老家在 住所 住所地 住所地址 寓所 "
            "详细地址 具体地址 详址 新地址 旧地址 原址 门牌 楼栋 房号 自提点 提货点 目的地 送达 "
            "存放地址 现址 寄送 户口所在 户口在 老宅 新家 住宅 居所 收货 收件 定位 地點 地址為 "
            "住處 住处 家里 改成 改为 改到 更改为 变更为 地址改成 开到 回到 赶到 地址栏 現居 "
            "現住 戶籍 寄給 addr address"
        ),
        "home_address",
        "homeaddress",
        "shipping_address",
        "ship_to",
        "delivery_address",
        "home_addr",
        "detail_address",
        "addr_detail",
        "receiver_address",
        "street",
        "location",
        "dizhi",
        "zz",
    ),
    gap=8,
)
# What a region ends with, and regions that are written without such an ending.
_AFTER_REGION: Final = Context(
    words=words_of(
        "省 市 区 县 旗 镇 乡 街道 州 盟 區 縣 鎮 鄉 新区 开发区 高新区 北京 上海 天津 重庆 香港 "
        "澳门 九龙 九龍 新界 港岛 台湾 臺灣 台北 臺北 新北 台中 台南 高雄 桃园 河北 山西 辽宁 "
        "吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 "
        "甘肃 青海 内蒙古 广西 西藏 宁夏 新疆 广州 深圳 杭州 南京 苏州 武汉 成都 西安 长沙 郑州 "
        "青岛 大连 宁波 厦门 济南 沈阳 哈尔滨 长春 石家庄 太原 合肥 南昌 福州 昆明 贵阳 南宁 "
        "海口 兰州 西宁 银川 拉萨 乌鲁木齐 呼和浩特 无锡 常州 南通 徐州 扬州 温州 嘉兴 金华 台州 "
        "绍兴 佛山 东莞 珠海 中山 惠州 汕头 泉州 漳州 烟台 潍坊 临沂 洛阳 襄阳 宜昌 株洲 绵阳 "
        "桂林 柳州 三亚 遵义 大理 唐山 保定 邯郸"
    ),
    gap=1,
    filler=frozenset(" ,，"),
)
# What a road or a village ends with.
_AFTER_ROAD: Final = Context(
    words=words_of(
        "路 街 大道 大街 巷 胡同 弄 村 屯 庄 公路 国道 道 里 坊 条 小区 花园 公寓 苑 大厦 广场 "
        "新村 家园 山庄 别墅 宿舍 家属院 大院 东路 西路 南路 北路 中路 街坊"
    ),
    gap=1,
    filler=frozenset(" "),
)
# Characters of running text that stand in hardly any address.
_PROSE: Final = frozenset(
    "址的了是不这我你他她它们也就而及或被把让给说要吗呢吧啊么什哪谁很更最已个些每该此但则"
)
_NUMBER: Final = r"([a-z]?\d{1,5}|[一二三四五六七八九十百零〇]{1,5}|[〇零○幺]{1,4})"
# What a first number in Chinese numerals must belong to: ``统一号`` is none.
_HAN_NUMBERED: Final = (
    r"[一二三四五六七八九十百零〇]{1,5}(组|社|队|屯|栋|幢|单元|号楼|室)"
    r"|[路街巷弄村里胡同] ?[一二三四五六七八九十百零〇]{1,5}[号號]"
)
_MAIN: Final = (
    r"(号楼|号院|号|號|弄|巷|栋|幢|棟|座|单元|單元|室|组|社|队|#楼|#|门|层|连|号信箱|信箱)"
    r"(之[一二三四五六七八九十\d]{1,2})?"
)
# ``E座1907`` and ``14-2-901``, which no date looks like.
_LETTERED: Final = r"[a-z] ?(座|栋|幢|棟|区|塔|馆) ?[a-z]?\d{1,5}"
_DASHED: Final = r"[a-z]?\d{1,3}-(\d{1,2}-)?\d{3,4}"
_MORE: Final = (
    r"(号楼|号院|号|號|弄|栋|幢|棟|座|单元|單元|室|组|楼|樓|层|户|房|#|门|排|院|区|期|分箱|箱)"
)
_ROAD: Final = "".join(
    char for char in map(chr, range(0x3007, 0xA000)) if is_han(char) and char not in _PROSE
)
_NEXT: Final = (
    rf"[ ,，]?[{_ROAD}]{{0,9}} ?{_NUMBER}[a-z]? ?{_MORE}(之[一二三四五六七八九十\d]{{1,2}})?"
)
_LAST: Final = r"([ \-]?[a-z]?\d{1,5}([\-/]\d{1,5}){0,3}(室|号|房)?| ?[东西南北中左右]户)"
_GROUPED: Final = rf"( ?[{_ROAD}]{{2,9}} ?\d{{1,4}}(-\d{{1,5}}){{1,3}}室?)"
_REST: Final = rf"({_NEXT}){{0,5}}({_LAST}|{_GROUPED})?"
_PLACE: Final = re.compile(
    "[路街道巷弄里村镇乡屯庄园苑庭院府邸居轩阁楼栋幢室区厦城湾墅舍坊条段组社队座排岛场寓台都家郡"
    "州堡峰谷榭"
    "街號棟鎮鄉園樓]|单元|胡同|交汇|信箱"
)

_SIGNS: Final = re.compile(r"[ /|·_\-]")
_NUMBERED: Final = re.compile(
    r"[路街道巷弄里村镇园苑庭院府区厦城湾舍坊期座].{0,6}\d{1,5}(号|弄|巷|栋|幢|座|单元|室|楼|组|$)"
)


def _has_place(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return _PLACE.search(value) is not None


def _has_place_before(value: str, before: str) -> bool:
    return _PLACE.search(before[-12:] + value) is not None


def _is_apart(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return _NUMBERED.search(_SIGNS.sub("", value)) is not None


_WHOLE: Final = Detector(
    label="ADDRESS",
    name="cn-address",
    pattern=rf"[{_ROAD}]{{1,24}} ?([a-z]?\d{{1,5}} ?{_MAIN}|{_HAN_NUMBERED}|{_LETTERED}|{_DASHED})"
    rf"{_REST}",
    not_before=r"[线文令刊样机床诊胜续\-]",
    after=(_AFTER_WORD, _AFTER_REGION),
    check=_has_place,
)

# The same with a sign after every character, or after every few.
_APART: Final = Detector(
    label="ADDRESS",
    name="cn-address-apart",
    pattern=r"\h([ /|·_\-][\ha-z0-9]{1,8}){5,40}",
    not_before=r"[\ha-z0-9]",
    after=(_AFTER_WORD,),
    check=_is_apart,
)

_FROM_NUMBER: Final = Detector(
    label="ADDRESS",
    name="cn-address-number",
    pattern=rf"{_NUMBER} ?(号楼|号院|号|號|弄|组|社|栋|幢|棟|座)"
    rf"(之[一二三四五六七八九十\d]{{1,2}})?{_REST}",
    not_after=r"[0-9]",
    not_before=r"[线文令刊样机床站台]",
    after=(_AFTER_ROAD,),
    check=_has_place_before,
)

_FLAT: Final = Detector(
    label="ADDRESS",
    name="cn-address-flat",
    pattern=r"[a-z]?\d{1,4} ?(栋|幢|棟|号楼|座|#楼|楼) ?([a-z]?\d{1,2} ?(单元|單元|门) ?)?"
    r"[a-z]?\d{2,5}"
    r"( ?[室号房户])?|\d{1,3} ?(单元|單元|门) ?\d{3,5}( ?[室号房户])?",
    not_after=r"[a-z0-9]",
    not_before=r"[0-9层户套平米万元]",
)

CN_ADDRESSES: Final = (_WHOLE, _APART, _FROM_NUMBER, _FLAT)
