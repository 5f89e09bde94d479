"""What people, programs and programmers put between the pieces of one number.

Signs in a row, a word or a comment among them. For numbers behind a label only: in prose the same
words join numbers that have nothing to do with each other.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import words_of

# Said while a number is read out, or written in place of a sign.
JOINT_WORDS: Final = words_of(
    "then and and_then dash hyphen space dot point slash minus plus um umm uh er hmm pause "
    "followed_by next lastly finally and_finally breath nospam remove concat join "
    "然后 然後 再 再是 再来 再加 接着 接下来 接上 跟着 随后 接 后面 后面是 后面接 后四位 后三位 "
    "中间 中间是 最后 最后是 末尾 加 加上 和 以及 还有 连着 杠 横杠 横线 中横线 短横 减 斜杠 空格 "
    "空一格 逗号 顿号 点 停顿 停 嗯 呃 额 啊 哈 呢 吧 哦 那个 就是 是 下一段 下一位 去掉 删掉 删除"
)
# The signs around an operator between two quoted strings on two lines are some twelve.
_MOST_SIGNS: Final = 14
_COMMENT: Final = r"(/\*|\<!--) ?[a-z]{0,12} ?(\*/|--\>)"
_SAID: Final = rf"(<joint>|{_COMMENT})\s{{0,6}}"
# Never empty. Refers to a list of the detector: ``lists={"joint": JOINT_WORDS}``.
JOINT: Final = rf"(\s{{1,{_MOST_SIGNS}}}({_SAID})?|{_SAID})"
