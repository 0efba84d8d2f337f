//! Schemathesis: requests made up from the API's document, and what it thinks of the answers.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// How many requests an operation gets in each phase, and from which seeds they are made, unless the environment says
/// otherwise.
const EXAMPLES: &str = "8";
const SEEDS: &str = "1";

/// Numbers that customers are made with: made up ones would nearly all be refused.
const NUMBERS: std::ops::Range<u32> = 0..400;

/// Schemathesis for one service.
///
/// It needs `TEST_SCHEMATHESIS_PYTHON`, which `scripts/with-tools` sets.
#[derive(Debug)]
pub struct Schemathesis {
    document: String,
    key: String,
}

impl Schemathesis {
    /// For the service with this document, whose operations are opened by a key.
    pub fn new(document: &str, key: &str) -> Self {
        Self { document: document.to_owned(), key: key.to_owned() }
    }

    /// Runs all checks, with all seeds. `things` are what is there, by the name of the dictionary that holds their ids.
    /// One that is named as a part of paths is named there by every second request.
    ///
    /// # Errors
    ///
    /// When a check fails: the report.
    pub fn run(&self, things: &[(&str, Vec<String>)]) -> Result<(), String> {
        let setting = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        let examples = setting("TEST_SCHEMATHESIS_EXAMPLES", EXAMPLES);
        for seed in setting("TEST_SCHEMATHESIS_SEEDS", SEEDS).split(',') {
            self.run_seed(things, &examples, seed)?;
        }
        Ok(())
    }

    fn run_seed(&self, things: &[(&str, Vec<String>)], examples: &str, seed: &str) -> Result<(), String> {
        let python = env::var_os("TEST_SCHEMATHESIS_PYTHON").expect(
            "TEST_SCHEMATHESIS_PYTHON names no Python that has schemathesis: run the tests with scripts/with-tools",
        );
        let directory = TempDir::new().expect("a test needs a temporary directory");
        let common = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/openapi");
        let hooks = format!("hooks = '{}'\n", common.join("hooks.py").display());
        let common =
            fs::read_to_string(common.join("schemathesis.toml")).expect("the settings of schemathesis are there");
        let path = directory.path().join("schemathesis.toml");
        fs::write(&path, hooks + &common + &dictionaries(things)).expect("a temporary file can be written");
        let output = Command::new(python)
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(&path)
            .args(["run", &self.document, "--max-examples", examples, "--seed", seed])
            .args(["--header", &format!("Authorization: Bearer {}", self.key)])
            .current_dir(directory.path())
            .env("NO_PROXY", "*")
            .output()
            .expect("schemathesis starts");
        let report = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("with the seed {seed}:\n{report}\n{said}"));
        }
        if env::var_os("TEST_SCHEMATHESIS_EXAMPLES").is_some() {
            // Whoever chose how much wants to see it. Where nobody looks there is nobody to tell.
            let _ = std::io::stdout().write_all(report.as_bytes());
        }
        Ok(())
    }
}

/// What the common settings cannot know.
fn dictionaries(things: &[(&str, Vec<String>)]) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    for (name, ids) in things {
        let _ = writeln!(text, "[dictionaries.{name}]\nvalues = {ids:?}\n");
    }
    let numbers: Vec<String> = NUMBERS.map(|n| format!("\"+1418582{n:04}\"")).collect();
    let _ = writeln!(text, "[dictionaries.numbers]\nvalues = [{}]\n", numbers.join(", "));
    text.push_str("[parameters]\n");
    for (name, _) in things {
        let _ = writeln!(text, "\"path.{name}\" = {{ dictionary = \"{name}\", probability = 0.5 }}");
    }
    for name in ["country_code", "country"] {
        let _ = writeln!(text, "\"body.{name}\" = {{ dictionary = \"countries\", probability = 0.8 }}");
    }
    text.push_str("\"body.unconfirmed_phone_number\" = { dictionary = \"numbers\", probability = 0.7 }\n");
    text
}
