import pytest

from cargo_sync.state.postgres.dialect import translated


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = ?", "SELECT a FROM t WHERE b = $1 AND c = $2"),
        ("SELECT ?2 WHERE ?1 IS NULL OR a = ?1", "SELECT $2 WHERE $1 IS NULL OR a = $1"),
        ("SELECT user FROM user WHERE users = 1", 'SELECT "user" FROM "user" WHERE users = 1'),
        ("SELECT 'user ? BLOB' FROM t WHERE a = ?", "SELECT 'user ? BLOB' FROM t WHERE a = $1"),
        ("SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1"),
        ("SELECT 1 FROM t INDEXED BY t_b WHERE a", "SELECT 1 FROM t  WHERE a"),
        ("CAST(?4 || substr(p, ?5) AS BLOB)", "CAST($4 || substr(p, $5::integer) AS bytea)"),
        ("CAST(time / 3600 AS INTEGER)", "trunc(time / 3600)::bigint"),
        ("CAST(substr(p, ?6) AS TEXT)", "convert_from(substr(p, $6::integer), 'UTF8')"),
        ("WHERE instr(nodes, ?) > 0", "WHERE strpos(nodes, $1) > 0"),
        ("SELECT seq FROM sqlite_sequence", "SELECT seq FROM counter"),
        ("SELECT 1 FROM t /* FOR UPDATE */", "SELECT 1 FROM t FOR UPDATE"),
    ],
)
def test_a_statement_in_postgresqls_words(ours: str, theirs: str) -> None:
    assert translated(ours) == theirs
