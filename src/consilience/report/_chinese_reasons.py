"""Why a column is what it is, what to know of it, and why a candidate was given up: English sentences of a model, and the same in Chinese.

What is not here is shown in English. A gap ``again`` holds a sentence of this list, a gap ``what`` a word, a gap ``kind`` a kind.
"""

from __future__ import annotations

__all__ = ["CHINESE_REASONS"]

CHINESE_REASONS: dict[str, str] = {
    # --- whole sentences with another one inside ---
    "A person said so. (By itself: {kind}, {again}.)": "由人指定。（自动判断：{kind}，{again}。）",
    "Rows that share its value stay together. {again}": "取值相同的行留在一起。{again}",
    "{again} Leave it out if it is not known before the target is": "{again}。若在目标之前无从得知，请去掉它",
    "{again} It is left out": "{again}。已去掉",
    # --- kinds ---
    "{share} of the filled cells are numbers, {count} different": "{share} 的非空单元格是数值，共 {count} 种",
    "{share} of the filled cells are numbers, {count} different, with the unit {unit}": "{share} 的非空单元格是数值，共 {count} 种，单位为 {unit}",
    "{share} of the filled cells are numbers, {count} different, with a decimal comma": "{share} 的非空单元格是数值，共 {count} 种，小数点写作逗号",
    "the cells are numbers with decimals, {count} different": "单元格是带小数的数值，共 {count} 种",
    "the cells are durations, counted in seconds": "单元格是时长，以秒计",
    "the cells are 0 and 1": "单元格是 0 和 1",
    "true and false can count as 1 and 0": "真与假可记作 1 和 0",
    "the cells are true and false": "单元格是真与假",
    "the cells are yes and no in the spelling {spelling}": "单元格是“是”与“否”，写作 {spelling}",
    "{count} different values in {cells} cells, {words} words each": "{cells} 个单元格中有 {count} 种取值，平均 {words} 个词",
    "numbers, {count} different values in {cells} cells": "数值，{cells} 个单元格中有 {count} 种取值",
    "{share} of the cells are digits with a zero in front, which a number would lose": "{share} 的单元格是以零开头的数字，作为数值会丢掉这个零",
    "whole numbers that repeat ({count} different in {cells} cells) under the name of a code": "列名像代码，且整数反复出现（"
    "{cells} 个单元格中有 {count} 种）",
    "whole numbers of {width} digits each, only {count} different in {cells} cells": "都是 {width} 位整数，{cells} 个单元格中只有 {count} 种",
    "{again}; but they look like codes ({again2})": "{again}；但它们像代码（{again2}）",
    "{words} words per cell, {count} different in {cells} cells": "每个单元格 {words} 个词，{cells} 个单元格中有 {count} 种",
    "the cells are lists": "单元格是列表",
    "JSON lists, {count} different, {share} of them also in other cells": "JSON 列表，共 {count} 种项目，其中 {share} 也出现在其他单元格",
    "items parted by {mark}, {count} different, {share} of them also in other cells": "以 {mark} 分隔的项目，共 {count} 种，"
    "其中 {share} 也出现在其他单元格",
    "the cells are dates": "单元格是日期",
    "{share} of the filled cells are dates": "{share} 的非空单元格是日期",
    "{share} of the filled cells are dates of eight digits": "{share} 的非空单元格是八位数字的日期",
    "{share} of the filled cells are names of {what} files": "{share} 的非空单元格是{what}文件名",
    "{share} of the filled cells are names of {what} files; of {some} that were looked for {there} are there": "{share} 的非空单元格是{what}文件名；"
    "查找了 {some} 个，存在 {there} 个",
    "{share} of the cells are {what}s in memory": "{share} 的单元格是内存中的{what}",
    "{count} of {files} files that were looked into are scans or 3-D arrays": "查看的 {files} 个文件中有 {count} 个是扫描或三维数组",
    "{count} of {cells} cells that were looked at name folders of DICOM slices": "查看的 {cells} 个单元格中有 {count} 个是 DICOM 切片的文件夹",
    "{count} of {files} files that were looked into hold points (x, y, z and more)": "查看的 {files} 个文件中有 {count} 个是点（x、y、z 等）",
    "{share} of the cells are lists of points (x, y, z and more)": "{share} 的单元格是点的列表（x、y、z 等）",
    "{share} of the {where} that were looked into hold series": "查看的部分中 {share} 含有序列",
    "{share} of the cells are {what}, {middle} in the middle": "{share} 的单元格是{what}，长度居中者为 {middle}",
    "{share} of the cells are records of lists of numbers": "{share} 的单元格是由数值列表组成的记录",
    "the cells are records of nodes and edges": "单元格是由节点和边组成的记录",
    "{share} of the filled cells are graphs: JSON with nodes and edges, or GraphML": "{share} 的非空单元格是图结构：含节点和边的 JSON，或 GraphML",
    "of {files} GIF files {moving} move": "{files} 个 GIF 文件中有 {moving} 个是动图",
    "{share} of those that were opened hold nodes and edges": "打开的文件中 {share} 含有节点和边",
    # --- columns that are left out ---
    "Every cell is empty": "所有单元格都为空",
    "No cell can be used": "没有一个单元格可用",
    "Every row has the same value": "每一行的取值都相同",
    "A person left it out": "由人去掉",
    "No kind understands cells of the type {type}": "没有哪种类型能理解 {type} 单元格",
    "It names the rows: {count} different values in {cells} cells, each one token with digits": "它只是行的名称："
    "{cells} 个单元格中有 {count} 种取值，"
    "都是带数字的单个词",
    "It names the rows: {count} different values in {cells} cells, each one token with an @": "它只是行的名称：{cells} 个单元格中有 {count} 种取值，"
    "都是带 @ 的单个词",
    "It names the rows: {count} different values in {cells} cells under the name of an id": "它只是行的名称：列名像编号，"
    "{cells} 个单元格中有 {count} 种取值",
    "It names the rows: {count} different values in {cells} cells, whole numbers under the name of an id": "它只是行的编号：列名像编号，"
    "{cells} 个单元格中有 {count} 个不同的整数",
    "It numbers the rows: {count} different values in {cells} cells, whole numbers from {low} to {high} that hardly leave one out": "它只是给行编号："
    "{cells} 个单元格中有 {count} 个不同的整数，从 {low} 到 {high} 几乎没有间断",
    # --- the target ---
    "Two classes: {names}": "两个类别：{names}",
    "{count} classes, each in {rows} rows on average": "{count} 个类别，平均每个 {rows} 行",
    "Two different numbers, {one} and {other}: two classes": "两个不同的数 {one} 和 {other}：两个类别",
    "{count} different whole numbers, each in {rows} rows on average: taken for classes. If they are amounts, say the task "
    "regression": "{count} 个不同的整数，平均每个 {rows} 行：当作类别。若它们是数量，请指定任务 regression",
    "{again} All are above 0 and skewed ({found}): learned as logarithm": "{again}。全部大于 0 且分布偏斜：按对数学习",
    "The cells are lists: {count} different items, {several} cells with more than one": "单元格是列表：共 {count} 种项目，{several} 个单元格多于一项",
    "A person said so": "由人指定",
    "A person said that the target is of the kind {kind}": "由人指定目标的类型：{kind}",
    "{count} different whole numbers in {rows} rows": "{rows} 行中有 {count} 个不同的整数",
    "{count} different numbers with decimals in {rows} rows": "{rows} 行中有 {count} 个不同的带小数的数",
    # --- warnings ---
    "{count} of {rows} rows have no target; they are set aside": "{rows} 行中有 {count} 行没有目标值，已搁置",
    "{count} of {rows} targets cannot be understood; their rows are set aside. Row {row}: {problem}": "{rows} 个目标值中有 {count} 个无法理解，"
    "相应的行已搁置。第 {row} 行：{problem}",
    "{count} of {rows} cells cannot be used and count as absent. Row {row}: {problem}": "{rows} 个单元格中有 {count} 个无法使用，按缺失处理。"
    "第 {row} 行：{problem}",
    "Every cell is empty; it is left out": "所有单元格都为空；已去掉",
    "Every row has the same value; it is left out": "每一行的取值都相同；已去掉",
    "It holds the same cells as the column {name}. One of them is enough": "它与列 {name} 的单元格完全相同，留一列即可",
    "It correlates with the target at {number}": "它与目标的相关系数为 {number}",
    "It puts the rows in the target's order (rank correlation {number})": "它把各行排成与目标相同的次序（秩相关系数 {number}）",
    "It holds the target itself in {share} of the rows": "它在 {share} 的行中就是目标本身",
    "It contains the target's words in {share} of the rows": "它在 {share} 的行中含有目标的词",
    "Its {count} values settle the target in {share} of the rows": "它的 {count} 种取值在 {share} 的行中就决定了目标",
    "{single} of {count} classes have one row only ({names}); such a class can be learned or checked, not "
    "both": "{count} 个类别中有 {single} 个只有一行（{names}）；这样的类别要么用来学习，要么用来检验，不能兼顾",
    "{count} of {classes} classes never occur in {source}: {names}": "{classes} 个类别中有 {count} 个在 {source} 中从未出现：{names}",
    "{source} lacks the column; every row there counts as if its cell were empty": "{source} 缺少这一列；那里的每一行都按该单元格为空处理",
    "Its {count} values repeat ({mean} rows each) and none of the {others} values of the other table is among them: rows that share one belong "
    "together. Try --group {name} so that folds keep them whole": "它的 {count} 种取值反复出现（平均 {mean} 行），"
    "而另一张表的 {others} 种取值都不在其中："
    "取值相同的行属于一体。请试用 --group {name}，让它们不被拆开",
    "It says where a row comes from: it tells nothing of the target, and the media tell it. Whole sources are held out, as if new ones were to come; "
    "another --group says otherwise": "它说明一行来自何处：与目标无关，却能从媒体中看出。留出时以整个来源为单位，如同将来会有新来源；"
    "可用另一个 --group 改变",
    # --- candidates that were given up ---
    "clearly worse on the first folds": "在最初几折上明显更差",
    "products were no gain on the first fold": "乘积特征在第一折上没有好处",
    "{count} of its kind were clearly behind": "同类中有 {count} 个明显落后",
    "others that see the same alone were far behind": "只看同一种证据的其他候选已远远落后",
    "far behind half way through": "半途时已远远落后",
    "the time limit left no time for it": "时限内没有时间留给它",
    "its share of the time limit was used up": "它的那份时间已用完",
    "the time for short trainings was over before its turn": "轮到它之前，短训练的时间已用完",
    "no better than {name} on the {rows} rows held out once": "在留出一次的 {rows} 行上不比 {name} 好",
    "behind other fusions after {epochs} epochs on {rows} rows (loss {loss})": "用 {rows} 行训练 {epochs} 轮后落后于其他融合方式（损失 {loss}）",
    # --- two clauses ---
    "{again}; too few for a series": "{again}；太短，不像序列",
    "{again}; none could be opened": "{again}；没有一个能打开",
    "{again}; {again2}": "{again}；{again2}",
}
