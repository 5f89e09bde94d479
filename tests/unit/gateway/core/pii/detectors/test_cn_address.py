"""Chinese addresses."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("家住江苏省南京市鼓楼区汉口路22号3栋2单元501室，", "家住[ADDRESS]，"),
    ("收货地址：杭州市西湖区文三路 90 弄 5 号", "收货地址：[ADDRESS]"),
    ("他住碧水花园12栋3单元1204室。", "他住[ADDRESS]。"),
    ("四川省某县水口镇石桥村七组113号", "四川[ADDRESS]"),
    ("朝阳区建国路88号院3号楼1201", "朝阳区[ADDRESS]"),
    ("和平路15号之3对面", "和平路[ADDRESS]对面"),
    ("在8栋2单元904室门口", "在[ADDRESS]门口"),
    ('{"addr":"武汉市江岸区沿江大道5号"}', '{"addr":"[ADDRESS]"}'),
    ("地址：浙江省宁波市甬江街道１２号３幢４０２室", "地址：[ADDRESS]"),
    ("住址 溪口镇下洼村三社", "住址 [ADDRESS]"),
    ("暂住东大街 13 号 机床厂宿舍 7-5-2706。", "暂住[ADDRESS]。"),
    ("地址：上海市浦东新区张杨路五百号二单元", "地址：[ADDRESS]"),
    ("寄到天山区翠景新城二期14-2-901，", "寄到[ADDRESS]，"),
    ("住址昆都仑区和润家园三期6门2层左户，", "住址[ADDRESS]，"),
    ("送到河西区翠竹苑五期B座2101", "送到[ADDRESS]"),
    ("地址：第八师一四三团250连22栋7号", "地址：[ADDRESS]"),
    ("他住西园三区309楼1门402", "他住西园三区[ADDRESS]"),
    ("地址：西 宁 市 铁 路 家 属 院 五 期 1 0 幢 1 6 0 6 号，", "地址：[ADDRESS]，"),
    ("地址：天/山区人/民西路40/号院7号楼5/单元2/02", "地址：[ADDRESS]"),
    ("地址：北京市5信箱27分箱（邮编100081）", "地址：[ADDRESS]（邮编100081）"),
]

NEAR_MISSES = [
    "浙江省宁波市鄞州区有不少老字号小吃。",
    "上海地铁2号线开通",
    "公交36路车",
    "建成的4栋28层楼房",
    "地址栏不能为空",
    "北京市发布2号文件",
    "住院第3天",
    "全国统一号码",
    "G2669次列车2A检票口",
    "路由器有3个端口",
    "住了5天，花费12元",
    "第3号公告",
    "上海申花3连胜",
    "朝阳区政府2024-01-02发布通知",
    "海淀区第2门诊部",
    "会议在A座举行",
    "地址 / 电话 / 邮编 / 备注 / 姓名 / 性别",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """An address goes down to the house; the region before it may stay."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Regions, lines and documents with numbers stay."""
    assert scrub(text) == text
