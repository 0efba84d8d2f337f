//! Programs that open links to show a preview of them, or to index them.

/// Whether a user agent is such a program. The browsers inside of chat programs, in which people read, are not.
pub(super) fn is_bot(user_agent: &str) -> bool {
    let user_agent = user_agent.to_ascii_lowercase();
    // These begin with their name; the browsers that name them do so further on.
    let is_fetcher = ["whatsapp/", "viber", "slack-", "snapchat/"].iter().any(|name| user_agent.starts_with(name));
    let mut words = user_agent.split(|c: char| !c.is_ascii_alphabetic());
    is_fetcher || user_agent.contains("line-poker") || words.any(is_bots_word)
}

fn is_bots_word(word: &str) -> bool {
    // Cubot makes phones.
    let is_bot = word != "cubot"
        && ["bot", "bots", "crawler", "spider", "preview", "renderer", "scrap"].iter().any(|end| word.ends_with(end));
    let names =
        ["facebookexternalhit", "facebookcatalog", "embedly", "iframely", "mastodon", "snippet", "unfurl", "vkshare"];
    is_bot || names.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_preview_or_index_are_told() {
        for user_agent in [
            "WhatsApp/2.23.20.0 A",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "facebookexternalhit/1.1;line-poker/1.0",
            "Mozilla/5.0 (Macintosh) AppleWebKit/601.2.4 (KHTML, like Gecko) Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
            "TelegramBot (like TwitterBot)",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
            "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
            "Mozilla/5.0 (compatible; Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots)",
            "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)",
            "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)",
            "Viber/13.3.0.7 CFNetwork/1128.0.1 Darwin/19.6.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
            "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/41.0 Safari/537.36 Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/)",
            "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
            "Iframely/1.3.1 (+https://iframely.com/docs/about)",
            "http.rb/5.1.1 (Mastodon/4.2.0; +https://mastodon.social/)",
            "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984",
            "some-crawler",
            "Baiduspider/2.0",
        ] {
            assert!(is_bot(user_agent), "{user_agent}");
        }
    }

    #[test]
    fn people_are_not_taken_for_programs() {
        for user_agent in [
            "",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/465.0]",
            "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 Instagram 340.0.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari Line/14.9.0",
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [Pinterest/iOS]",
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 WhatsApp/2.24",
        ] {
            assert!(!is_bot(user_agent), "{user_agent}");
        }
    }
}
