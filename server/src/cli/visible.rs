//! Text of others on a terminal: what would steer it is shown, not sent.

use std::borrow::Cow;

/// The same text, with escapes such as `\u{1b}` in place of what a terminal would obey or not show: control characters
/// (C0, DEL and C1: ECMA-48), and marks of direction and width (UAX #9), by which a text could look like another one.
pub(crate) fn visible(text: &str) -> String {
    shown(text).into_owned()
}

/// Whether a character is not for a terminal as it is.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().flat_map(|character| {
        let escape = is_hidden(character).then(|| character.escape_default());
        let same = escape.is_none().then_some(character);
        escape.into_iter().flatten().chain(same)
    });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let hostile = "a\u{1b}]0;x\u{7}\u{9b}31m\r\n\0\u{7f}\u{202e}b\u{200b}";
        let shown = visible(hostile);
        assert_eq!(shown, "a\\u{1b}]0;x\\u{7}\\u{9b}31m\\r\\n\\u{0}\\u{7f}\\u{202e}b\\u{200b}");
        assert!(!shown.contains(is_hidden));
    }

    #[test]
    fn words_of_any_language_stay_as_they_are() {
        for text in ["node-7", "Zähler Küche", "温度計", "مقياس", "\u{1f321}\u{fe0f}", "C:\\dev"] {
            assert_eq!(visible(text), text);
        }
    }
}
