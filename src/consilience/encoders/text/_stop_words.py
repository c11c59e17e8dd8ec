"""Words that carry little meaning of their own, by language."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["stop_words"]

CHINESE = """
的 了 着 过 地 得 和 与 及 或 而 且 但 但是 并 并且 以 以及 于 在 从 自 自从 向 往 到 对 对于 关于 把 被 将 让 使 给 为 为了 因 因为 由于
所以 因此 如果 虽然 然而 不过 即使 只要 只有 无论 还是 或者 就 才 都 也 还 又 再 很 更 最 太 非常 十分 我 我们 你 你们 您 他 他们 她 她们 它
它们 自己 咱们 大家 这 这个 这些 这里 这样 那 那个 那些 那里 那样 哪 哪个 哪些 哪里 谁 什么 怎么 怎样 怎么样 为什么 多少 几 是 有 没有 不是
会 能 可以 要 应该 可能 必须 一 一个 一些 一下 一种 这种 那种 个 些 们 吗 呢 吧 啊 呀 哦 嗯 嘛 啦 之 其 其中 其他 所 者 等 等等 上 下 中 里
内 外 前 后 时 时候 之间 之前 之后 以前 以后 已 已经 正在 曾 曾经 刚 刚刚 只 仅 仅仅 便 则 即 若 如 如此 例如 比如
"""


def stop_words(setting: str | Sequence[str]) -> frozenset[str]:
    """The set that a setting means: ``"none"``, ``"english"`` (scikit-learn's list), ``"chinese"``, or the person's own words."""
    if setting == "none":
        return frozenset()
    if setting == "chinese":
        return frozenset(CHINESE.split())
    if setting == "english":
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return frozenset(ENGLISH_STOP_WORDS)
    return frozenset(word.lower() for word in setting)
