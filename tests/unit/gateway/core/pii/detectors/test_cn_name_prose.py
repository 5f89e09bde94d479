"""Names in running Chinese text."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("昨天跟郭雪梅说过", "昨天跟[NAME]说过"),
    ("表格第三行崔雅琴的电话写错了", "表格第三行[NAME]的电话写错了"),
    ("天亮时，熊舟终于把信写完了", "天亮时，[NAME]终于把信写完了"),
    ("名单：傅可温、钱一诺、卫知行。", "名单：[NAME]、[NAME]、[NAME]。"),
    ("担保人写的是“卫之恒”，", "担保人写的是“[NAME]”，"),
    ("@戈未央 周五前交方案", "@[NAME] 周五前交方案"),
    ("另外白玉莹的水杯落在教室", "另外[NAME]的水杯落在教室"),
    ("请麻烦转告邹采薇一声", "请麻烦转告[NAME]一声"),
    ("他说，任建新今天没来", "他说，[NAME]今天没来"),
    ("昨天跟郭\u200b雪\u200b梅说过", "昨天跟[NAME]说过"),
    ("昨天跟&#37101;雪梅说过", "昨天跟[NAME]说过"),
    ("白薇推开门，", "[NAME]推开门，"),
    ("二等奖揭晓：房西诗 傅恒", "二等奖揭晓：[NAME] [NAME]"),
    ("今天王伟先生和李芳女士到了", "今天[NAME]先生和[NAME]女士到了"),
    ("顾言皱起眉头，林墨把信折好", "[NAME]皱起眉头，[NAME]把信折好"),
]

NEAR_MISSES = [
    "他高兴地张开双臂，于是大家都安静了。",
    "喀喇昆仑山和拉丁文都与名字无关。",
    "丰功伟绩、人云亦云、尚方宝剑都是成语。",
    "白玉兰、石榴、向日葵和金银花都开了。",
    "黄瓜、胡椒、姜片、葛根一起下锅。",
    "贾宝玉和林黛玉的故事",
    "时间安排和方案都在附件，相关部门已经同意。",
    "万事开头难，常言说得好。",
    "路由器需要重启，云服务器不用。",
    "第一张图、第二张图都没有问题。",
    "应届生和转学生都要交。",
    "从东方升起的太阳照常说明一切。",
    "使用 高级 模式 和 安全 选项",
    "东方明珠、外滩都在上海",
    "孔子曰：学而时习之",
    "老庄哲学与朱子理学",
    "方案已提交，平台已上线",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A name goes where its characters and the words around it speak for one together."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Idioms, plants, fiction and ordinary words stay."""
    assert scrub(text) == text
