"""Names of people in Chinese texts."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("姓名：陈晓梅，", "姓名：[NAME]，"),
    ("患者王建国入院", "患者[NAME]入院"),
    ("尊敬的刘志强先生：", "尊敬的[NAME]先生："),
    ("我叫赵雅婷。", "我叫[NAME]。"),
    ('{"real_name":"欧阳志远"}', '{"real_name":"[NAME]"}'),
    ("| 1 | 孙晓丽 | 女 |", "| 1 | [NAME] | 女 |"),
    ("联系人：何 晓 军", "联系人：[NAME]"),
    ("真实姓名：苗~~璐禹~~", "真实姓名：[NAME]~~"),
    ("收货人 诸葛婉清 电话", "收货人 [NAME] 电话"),
    ("学生努尔兰·叶尔肯，家住", "学生[NAME]，家住"),
    ("叫扎西次仁的同学", "叫[NAME]的同学"),
    ("昨天跟郭雪梅说过", "昨天跟[NAME]说过"),
    ("张晓燕、李国栋、王秀英，请到前台", "[NAME]、[NAME]、[NAME]，请到前台"),
    ("申请人：司徒\\u6167敏", "申请人：[NAME]"),
    ("司机周\u200b海\u200b涛驾车", "司机[NAME]驾车"),
    ("户名关翠悠，", "户名[NAME]，"),
    ("法定代表人&#38472;晓东", "法定代表人[NAME]"),
    ("护士长徐丽萍护士", "护士长[NAME]护士"),
    ("犬子明丽娟与同学", "犬子[NAME]与同学"),
    ("开户名欧闻这边显示", "开户名[NAME]这边显示"),
    ("乙方（承租人）：幸福", "乙方（承租人）：[NAME]"),
    ("获奖名单：一等奖 伍之恒；二等奖 樊川维 ", "获奖名单：一等奖 [NAME]；二等奖 [NAME] "),
    ("患者李强，", "患者[NAME]，"),
    ("郭无忌 13800138000", "[NAME] [PHONE]"),
    ("姓名;城市\n1;文明月;杭州\n2;晋既明;南京\n", "姓名;城市\n1;[NAME];杭州\n2;[NAME];南京\n"),
    ("列席：计愉礼\n", "列席：[NAME]\n"),
]

NEAR_MISSES = [
    "他高兴地张开双臂，于是大家都安静了。",
    "鲁迅和老舍都是作家。",
    "成都、武汉和南京都在长江流域。",
    "应当安全第一，任何人不得违反。",
    "安全帽、方便面、白云石都在仓库。",
    "马克思主义哲学",
    "路由器需要重启",
    "收件人：*先生",
    "联系人 [姓名已隐去]",
    "姓名：必填",
    "患者应当及时就诊",
    "客户经理会与您联系",
    "王先生您好",
    "孙悟空大闹天宫",
    "任正非创办了华为。",
    "诸葛亮出山",
    "申请人应当提交材料",
    "司机师傅请注意",
    "时间安排和方案都在附件。",
    "林海雪原的故事",
    "云南和贵州相邻",
    "作者鲁迅",
    "导演：张艺谋",
    "联系人 [姓名已隐去]2",
    "负责人签字",
    "姓名;城市\n1;;杭州\n2;;温州\n",
    "马上 400-820-8820",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A name goes where its characters and what stands around speak for it."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Words, places, public figures and titles stay."""
    assert scrub(text) == text
