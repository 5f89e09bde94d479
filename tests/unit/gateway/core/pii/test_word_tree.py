"""Lists of words as trees."""

from gateway.core.pii.word_tree import WordTree, WordTrees


def words_of(tree: WordTree) -> set[str]:
    """Return all words of *tree*."""
    longer = {
        head + rest for heads, tail in tree.branches for head in heads for rest in words_of(tail)
    }
    return set(tree.leaves) | longer


def test_a_tree_holds_its_words_in_either_case() -> None:
    """Nothing more and nothing less; beginnings and endings are shared."""
    tree = WordTrees().of(frozenset({"ab", "cb", "ad", "王", "Z"}))
    assert words_of(tree) == {
        "ab",
        "aB",
        "Ab",
        "AB",
        "cb",
        "cB",
        "Cb",
        "CB",
        "ad",
        "aD",
        "Ad",
        "AD",
        "王",
        "Z",
    }
    assert len(tree.branches) == 2


def test_a_list_is_made_into_a_tree_once() -> None:
    """Asking again gives the same tree, also for what is a part of another."""
    trees = WordTrees()
    tree = trees.of(frozenset({"xab"}))
    assert trees.of(frozenset({"xab"})) is tree
    assert trees.of(frozenset({"ab"})) is tree.branches[0][1]
