//! The operator's name, colour and logo on the pages.

use std::fmt::{self, Write};

use url::{Host, Url};

/// Whose pages they are. By default nobody's: they then speak of "us" alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The name at the head of each page.
    pub name: Option<String>,
    /// The colour of what is pressed.
    pub color: BrandColor,
    /// The picture at the head of each page.
    pub logo_url: Option<LogoUrl>,
}

/// A colour in sRGB. Pages stay readable whatever it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BrandColor([u8; 3]);

/// Where a logo is loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoUrl(Url);

impl BrandColor {
    const WHITE: Self = Self([0xff; 3]);
    const BLACK: Self = Self([0; 3]);
    /// The grounds on which links and marks stand (`--paper` and `--card` in `page.css`): of each mode the one that leaves
    /// less contrast.
    const LIGHT_GROUND: Self = Self([0xf4, 0xf4, 0xf2]);
    const DARK_GROUND: Self = Self([0x22, 0x22, 0x20]);
    /// What WCAG 2.2 asks of text.
    const READABLE: f64 = 4.5;

    /// Reads a colour: `#` and six hexadecimal digits.
    ///
    /// # Errors
    /// What the text must be, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || format!("must be a colour such as \"#1f6f5c\"; {text:?} is none");
        let digits = text.trim().strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(refused)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(|_| refused())?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// The custom properties that `page.css` builds on.
    pub(super) fn style(self) -> String {
        let mut style = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            style,
            ":root{{--brand:{self};--on-brand:{};--accent:{}}}@media (prefers-color-scheme:dark){{:root{{--accent:{}}}}}",
            self.text_on(),
            self.readable_on(Self::LIGHT_GROUND, Self::BLACK),
            self.readable_on(Self::DARK_GROUND, Self::WHITE),
        );
        style
    }

    /// Black or white, whichever is read better on this colour: one of them always is.
    fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= Self::READABLE { Self::WHITE } else { Self::BLACK }
    }

    /// The colour, moved towards `end` until it is readable on `ground`.
    fn readable_on(self, ground: Self, end: Self) -> Self {
        let moved = (0..=20_u16).map(|step| self.mixed(end, step));
        moved.into_iter().find(|color| color.contrast(ground) >= Self::READABLE).unwrap_or(end)
    }

    /// `step` twentieths of the way to another colour.
    fn mixed(self, other: Self, step: u16) -> Self {
        let mut mixed = self.0;
        for (channel, end) in mixed.iter_mut().zip(other.0) {
            let sum = u16::from(*channel) * (20 - step) + u16::from(end) * step;
            *channel = u8::try_from(sum / 20).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }

    /// The contrast ratio of WCAG 2.2, from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The relative luminance of WCAG 2.2.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl Default for BrandColor {
    fn default() -> Self {
        Self([0x1f, 0x6f, 0x5c])
    }
}

impl fmt::Display for BrandColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Debug for BrandColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrandColor({self})")
    }
}

impl LogoUrl {
    /// Reads an address under https; on the machine itself http will do.
    ///
    /// # Errors
    /// What the text must be, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = "must be an address under https, such as \"https://www.example.com/logo.svg\"";
        let url = Url::parse(text.trim()).map_err(|_| refused.to_owned())?;
        let is_local = match url.host() {
            // The origin stands in the pages' policy, where some signs that a name may have would end a rule.
            Some(Host::Domain(name)) if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) => {
                return Err(refused.to_owned());
            }
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let is_secure = url.scheme() == "https" || url.scheme() == "http" && is_local;
        if is_secure && url.username().is_empty() && url.password().is_none() {
            Ok(Self(url))
        } else {
            Err(refused.to_owned())
        }
    }

    /// The address.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// For the policy of the pages.
    pub(super) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_or_refused_with_a_reason() {
        assert_eq!(BrandColor::parse(" #1F6f5c ").unwrap(), BrandColor::default());
        for text in ["", "1f6f5c", "#fff", "#1f6f5", "#1f6f5g", "#+f6f5c", "teal"] {
            assert!(BrandColor::parse(text).unwrap_err().starts_with("must be"), "{text}");
        }
    }

    #[test]
    fn whatever_the_colour_is_texts_stay_readable() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let color = BrandColor([red, green, blue]);
                    assert!(color.contrast(color.text_on()) >= 4.5, "{color}");
                    let light = color.readable_on(BrandColor::LIGHT_GROUND, BrandColor::BLACK);
                    assert!(light.contrast(BrandColor::LIGHT_GROUND) >= 4.5, "{color}");
                    let dark = color.readable_on(BrandColor::DARK_GROUND, BrandColor::WHITE);
                    assert!(dark.contrast(BrandColor::DARK_GROUND) >= 4.5, "{color}");
                }
            }
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((BrandColor::WHITE.contrast(BrandColor::BLACK) - 21.0).abs() < 0.01);
        let grey = BrandColor::parse("#767676").unwrap();
        assert!((grey.contrast(BrandColor::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn a_logo_comes_under_https_or_from_the_machine_itself() {
        let logo = LogoUrl::parse("https://cdn.example.com:8443/a/logo.svg?v=1").unwrap();
        assert_eq!(logo.origin(), "https://cdn.example.com:8443");
        assert!(LogoUrl::parse("http://127.0.0.1:8080/logo.svg").is_ok());
        assert!(LogoUrl::parse("http://localhost/logo.svg").is_ok());
        for text in [
            "",
            "/logo.svg",
            "http://example.com/logo.svg",
            "data:image/png;base64,AA",
            "https://a:b@example.com/",
            "https://a;b.example.com/",
        ] {
            assert!(LogoUrl::parse(text).unwrap_err().starts_with("must be"), "{text}");
        }
    }
}
