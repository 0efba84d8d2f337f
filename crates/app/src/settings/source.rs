//! Where settings come from: the environment, a file, defaults; and what is wrong with one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use super::SETTINGS;

const PREFIX: &str = "CUSTOMERS_";
/// Kubernetes puts such variables into every container when a service is named `customers`.
const INJECTED: [&str; 2] = ["CUSTOMERS_SERVICE_", "CUSTOMERS_PORT"];

/// Why the settings cannot be used: one line that names the setting, its value (never a secret's), and what is
/// allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingsError(String);

impl SettingsError {
    pub(super) fn missing(name: &str, allowed: &str) -> Self {
        Self(format!("{name} is not set; it must be {allowed}"))
    }

    fn unusable(name: &str, value: &str, allowed: &str) -> Self {
        // Debug form: quotes show where it ends, and it stays one line.
        Self(format!("{name} is {value:?}; it {}", must(allowed)))
    }

    fn unusable_secret(name: &str, allowed: &str) -> Self {
        Self(format!(
            "{name} has a value that cannot be used (not shown, since it may hold a secret); it {}",
            must(allowed)
        ))
    }

    fn unknown(name: &str) -> Self {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        Self(format!("{name:?} is no setting; there are {}", known.join(", ")))
    }
}

/// What is allowed as the rest of a sentence: an adapter says it with its verb.
fn must(allowed: &str) -> Cow<'_, str> {
    if allowed.starts_with("must ") { allowed.into() } else { format!("must be {allowed}").into() }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every setting's text, from wherever it came.
#[derive(Default)]
pub(super) struct Source(HashMap<&'static str, String>);

impl Source {
    pub(super) fn load(
        environment: impl Iterator<Item = (OsString, OsString)>,
        file: Option<&Path>,
        dev: bool,
    ) -> Result<Self, SettingsError> {
        let mut source = Self::defaults(dev);
        if let Some(path) = file {
            source.read_file(path)?;
        }
        source.read_environment(environment)?;
        Ok(source)
    }

    fn defaults(dev: bool) -> Self {
        let default = |setting: &super::Setting| match setting.dev_default {
            Some(default) if dev => default,
            _ => setting.default,
        };
        let set = SETTINGS.iter().map(|setting| (setting.name, default(setting).to_owned()));
        Self(set.filter(|(_, text)| !text.is_empty()).collect())
    }

    fn read_environment(
        &mut self,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<(), SettingsError> {
        for (name, value) in environment {
            let name = name.to_string_lossy();
            if !name.starts_with(PREFIX) || INJECTED.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let setting = known(&name).ok_or_else(|| SettingsError::unknown(&name))?;
            let text = value.into_string().map_err(|_| SettingsError::unusable_secret(setting, "UTF-8"))?;
            self.0.insert(setting, text);
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> Result<(), SettingsError> {
        let broken = |why: String| SettingsError(format!("--config {}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| broken(error.to_string()))?;
        // The parser's own message quotes the line, which may hold a secret.
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text.get(..span.start).map_or(0, |before| before.matches('\n').count()) + 1);
            broken(format!("is not valid TOML at line {line}"))
        })?;
        for (key, value) in table {
            let name = format!("{PREFIX}{}", key.to_ascii_uppercase());
            let setting = known(&name).filter(|_| key == key.to_ascii_lowercase());
            let setting = setting.ok_or_else(|| broken(SettingsError::unknown(&key).0))?;
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                _ => return Err(broken(format!("{key} must be a string or an integer"))),
            };
            self.0.insert(setting, text);
        }
        Ok(())
    }

    /// A setting that has a default.
    pub(super) fn required<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, SettingsError> {
        self.optional(name, parse)?.ok_or_else(|| SettingsError::missing(name, "set"))
    }

    /// A setting that may be left out.
    pub(super) fn optional<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        self.parsed(name, parse, |_| true)
    }

    /// A setting that may be left out and whose value is never shown.
    pub(super) fn secret<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        self.parsed(name, parse, |_| false)
    }

    /// A URL that may be left out and is shown only where it cannot hold a password.
    pub(super) fn url<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        let without_password = |text: &str| !text.contains(['@', '?']);
        self.parsed(name, parse, without_password)
    }

    fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
        is_shown: impl Fn(&str) -> bool,
    ) -> Result<Option<T>, SettingsError> {
        let parse = |text: &String| {
            parse(text).map_err(|allowed| {
                if is_shown(text) {
                    SettingsError::unusable(name, text, &allowed)
                } else {
                    SettingsError::unusable_secret(name, &allowed)
                }
            })
        };
        self.0.get(name).map(parse).transpose()
    }
}

fn known(name: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|setting| setting.name).find(|known| *known == name)
}
