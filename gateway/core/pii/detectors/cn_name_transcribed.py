"""Names of foreigners and of peoples of China whose names Chinese texts transcribe.

Such a name is a row of characters that transcriptions are made of, mostly with a dot between its
parts. Names that everybody knows stay.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Detector, words_of
from gateway.core.pii.detectors.cn_name import CELL_SIGNS
from gateway.core.pii.detectors.name_contexts import (
    AFTER_COLUMN,
    AFTER_FIELD,
    AFTER_PEOPLE,
    AFTER_ROLE,
    PARTS,
)

# Characters that foreign names are written with, in books of transcription and in the news.
_TRANSCRIBED: Final = (
    "阿埃艾爱安昂奥巴白拜班邦鲍贝本比彼毕别宾波博布采查楚茨达戴黛丹道德登邓迪蒂丁东杜多厄恩尔耳"
    "法凡方菲费芬丰"
    "冯佛弗福富伽盖甘冈高戈格葛根贡古瓜圭郭哈海汉翰豪荷赫黑亨洪胡华惠霍基吉季加佳贾简娇杰金津京"
    "卡凯坎康考柯科克肯"
    "库夸奎昆拉腊莱赖兰朗劳勒雷蕾黎里理莉丽利联廉良列烈林琳隆娄卢鲁路露伦罗洛玛马迈麦曼芒梅门蒙"
    "孟米蜜密缅明摩莫"
    "墨姆穆娜纳南瑙内妮尼涅宁纽努诺欧帕派潘庞佩彭蓬皮平泼珀普奇齐契恰乔切钦琴琼丘热仁日茹瑞若撒"
    "萨塞赛桑瑟森沙莎"
    "珊尚绍舍申圣施什史世舒斯丝思司松苏所索塔泰坦汤唐陶特滕提田廷图托瓦万旺威韦维魏温文翁沃乌武"
    "伍西希锡夏香肖谢辛"
    "木合孜买吐玉麦拜日嘎朝勒其毕曼克苏欣雅亚扬杨耶叶伊因英永尤约泽扎詹珍芝朱祖佐尊依丝娃琪茜婷"
)
# Of a name with a surname that everybody knows nothing private is told.
_PUBLIC_PARTS: Final = frozenset(
    words_of(
        "马克思 恩格斯 列宁 斯大林 牛顿 爱因斯坦 达尔文 莎士比亚 乔布斯 马斯克 盖茨 贝索斯 "
        "扎克伯格 巴菲特 特朗普 拜登 奥巴马 克林顿 布什 普京 默克尔 马克龙 丘吉尔 希特勒 拿破仑 "
        "华盛顿 林肯 罗斯福 肯尼迪 里根 尼克松 撒切尔 曼德拉 甘地 图灵 冯诺依曼 诺依曼 霍金 居里 "
        "爱迪生 特斯拉 伽利略 哥白尼 开普勒 笛卡尔 康德 黑格尔 尼采 弗洛伊德 荣格 托尔斯泰 "
        "陀思妥耶夫斯基 契诃夫 普希金 高尔基 雨果 巴尔扎克 海明威 马尔克斯 加缪 萨特 卡夫卡 歌德 "
        "席勒 贝多芬 莫扎特 巴赫 肖邦 柴可夫斯基 梵高 高更 毕加索 莫奈 达芬奇 芬奇 米开朗基罗 "
        "拉斐尔 卓别林 梦露 赫本 杰克逊 普雷斯利 斯威夫特 詹姆斯 乔丹 科比 库里 梅西 罗纳尔多 "
        "贝克汉姆 费德勒 纳达尔 德约科维奇 博尔特 菲尔普斯 波特 福尔摩斯 邦德 亚里士多德 史密斯 "
        "凯恩斯 韦伯 罗素 维特根斯坦 桑德斯 库克 纳德拉 皮查伊 奥特曼 辛顿 杨立昆 本吉奥 惠特曼 "
        "狄更斯 奥斯汀 王尔德 罗琳 托尔金 阿西莫夫 卡内基 洛克菲勒 福特 迪士尼 诺贝尔 白求恩 "
        "南丁格尔"
    )
)


def _is_unknown(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return _PUBLIC_PARTS.isdisjoint(value.split("·"))


def _is_cell(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return before.endswith(CELL_SIGNS)


_DOTTED: Final = Detector(
    label="NAME",
    name="cn-name-dotted",
    pattern=r"\h{1,6}·\h{1,8}(·\h{1,6})?",
    not_before=r"[\h·]",
    after=(AFTER_FIELD, AFTER_ROLE, AFTER_PEOPLE),
)

_TRANSCRIPT: Final = Detector(
    label="NAME",
    name="cn-name-transcribed",
    pattern=rf"[{_TRANSCRIBED}]{{2,6}}·[{_TRANSCRIBED}]{{2,8}}(·[{_TRANSCRIBED}]{{2,8}})?",
    not_after=rf"[{_TRANSCRIBED}·]",
    not_before=rf"[{_TRANSCRIBED}·]",
    check=_is_unknown,
)

_IN_PARTS: Final = Detector(
    label="NAME",
    name="cn-name-in-parts",
    pattern=r"<part>·?<part>(·?<part>)?",
    lists={"part": PARTS},
)

# Names of peoples that write theirs in one row of transcribed syllables.
_LONG_IN_COLUMN: Final = Detector(
    label="NAME",
    name="cn-name-long-in-column",
    pattern=rf"[{_TRANSCRIBED}]{{4,9}}",
    not_after=r"[\h0-9a-z]",
    followed_by=r" ?[|\t,;，；\"'\n]",
    after=(AFTER_COLUMN,),
    check=_is_cell,
)

CN_TRANSCRIBED_NAMES: Final = (_DOTTED, _TRANSCRIPT, _IN_PARTS, _LONG_IN_COLUMN)
