"""Characters that are mistaken for one another: by fingers, by readers of print, by ear. Sources: Belinkov and Bisk (2018); Nguyen et al. (2021).

Small tables of frequent cases, not a model of a keyboard or of a scanner.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LOOK_ALIKE", "NEIGHBOURS"]

ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"), ("йцукенгшщзх", "фывапролджэ", "ячсмитьбю")
"""Keys from left to right; each row stands half a key further right than the one above."""

SAME_SOUND = """
的得地 是事世试市 在再载 他她它 做作坐座 有又友右由油 那哪 因音阴 以已意义易 为位未味 和合河何 没美每 和禾 进近尽 到道 会汇 时十石实食
一医衣 不步部布 大达 小晓 高稿 公工共功 长常场 包保报宝 点典电店 气起期器 前钱 心新信 好号 手首收受 买卖 红虹 黄皇 蓝兰 绿律 白百 黑嘿
花画话华 树数 头投 马吗妈码 羊阳洋样 鱼雨语玉 鸟袅 猫毛 狗够 水睡 火货活 山三 日入 天田 月越 星行形型 脸连 笑校效 旗棋骑 球求 车彻 船传 房方
门们 东动冬 西系细希 南男难 北背 中种重钟 上尚 下夏 左佐 色涩 服福复 价加家假 质制治 快块 慢漫 产铲 品贫 欢换 喜洗 棒帮
"""
"""Characters that the same letters of pinyin type, often but for the tone."""

SAME_SHAPE = """
人入八 己已巳 未末 土士 日曰目 大太犬 天夫无 千干于 午牛 木本术 王玉主 田由甲申 贝见 手毛 力刀 方万 白百自 石右 找我 问间 休体 处外 已己
老考 乌鸟 今令 风凤 儿几 住往 辩辨 晴睛 请清情 快块 很跟 晚脱 没设 话活 买卖 拔拨 折拆 各名 古吉 史吏 电申 农衣 友发 了子 十千 小少 中申
红江 绿缘 蓝篮 黄寅 花化 马鸟 车东 见贝 面而 头买 兰三 旗旋 球救 的约 是昰 有冇
"""
"""Characters that differ in a stroke or in one part."""

LATIN_SHAPE = {
    "a": ("o", "d"), "b": ("h", "6"), "c": ("e", "("), "d": ("cl",), "e": ("c", "o"), "f": ("t",), "g": ("q", "9"), "h": ("b", "li"),
    "i": ("l", "1", "j"), "l": ("1", "I", "i"), "m": ("rn", "nn"), "n": ("ri", "m"), "o": ("0", "c"), "q": ("g", "9"), "r": ("n",), "s": ("5",),
    "t": ("f", "+"), "u": ("ii", "v"), "v": ("u", "y"), "w": ("vv",), "y": ("v",), "z": ("2",), "B": ("8", "R"), "C": ("G",), "D": ("O", "0"),
    "E": ("F",), "G": ("6", "C"), "I": ("l", "1"), "O": ("0", "Q"), "S": ("5", "8"), "Z": ("2",), "0": ("O", "o"), "1": ("l", "I"),
    "2": ("Z",), "5": ("S",), "6": ("b", "G"), "8": ("B",), "9": ("g",), ".": (",",), ",": (".",),
}  # fmt: skip


def by_place() -> dict[str, tuple[str, ...]]:
    """Letter to those on the keys that touch its own, small and capital."""
    found: dict[str, tuple[str, ...]] = {}
    for board in ROWS:
        places = {letter: (row, column + row / 2) for row, keys in enumerate(board) for column, letter in enumerate(keys)}
        for letter, (row, column) in places.items():
            near = tuple(other for other, (at, along) in places.items() if 0 < max(abs(at - row), abs(along - column)) <= 1)
            found[letter] = near
            if letter.isalpha():
                found[letter.upper()] = tuple(other.upper() for other in near)
    return found


def in_groups(table: str) -> dict[str, tuple[str, ...]]:
    """Character to the others of its groups."""
    found: dict[str, tuple[str, ...]] = {}
    for group in table.split():
        for letter in group:
            found[letter] = tuple(dict.fromkeys((*found.get(letter, ()), *(other for other in group if other != letter))))
    return found


NEIGHBOURS: Mapping[str, tuple[str, ...]] = {**by_place(), **in_groups(SAME_SOUND)}
"""Character to what a slip of the fingers gives: keys beside it; for Chinese, characters of the same sound."""

LOOK_ALIKE: Mapping[str, tuple[str, ...]] = {**LATIN_SHAPE, **in_groups(SAME_SHAPE)}
"""Character to what a scanner takes it for."""
