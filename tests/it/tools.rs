//! The field's own tools, as oracles: compared with where they are there, and demanded where `.ci/run` says so.

use std::env;

/// Says that a comparison is left out, or fails where tools are required (`SOURCEWARD_REQUIRE_TOOLS`).
#[expect(clippy::print_stderr, reason = "whoever runs the tests should see what was left out")]
pub(crate) fn left_out(why: &str) {
    assert!(env::var_os("SOURCEWARD_REQUIRE_TOOLS").is_none(), "tools are required here, but {why}");
    eprintln!("not compared: {why}");
}
