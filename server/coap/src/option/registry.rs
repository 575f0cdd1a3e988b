//! The options this endpoint understands, and what becomes of the others (RFC 7252 §5.4.1, §5.4.3, §5.4.5).

use super::{OptionNumber, Options};

/// Whether the message at hand is a request or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Request,
    Response,
}

impl Options {
    /// Takes out of a request the elective options that are not understood, have a wrong length or stand once too often, and
    /// counts them. For a caller that takes messages apart itself.
    ///
    /// # Errors
    /// The first critical option of that kind: the request is to be answered 4.02 (RFC 7252 §5.4.1).
    pub fn screen_request(&mut self) -> Result<usize, OptionNumber> {
        self.screen(Role::Request)
    }

    /// Takes out the elective options that are not understood, have a wrong length or stand once too often,
    /// and counts them.
    ///
    /// # Errors
    /// The first critical option of that kind: the message must be refused.
    pub(crate) fn screen(&mut self, role: Role) -> Result<usize, OptionNumber> {
        let mut refused = None;
        let before = self.0.len();
        let mut previous = None;
        self.0.retain(|(number, value)| {
            let repeated = previous.replace(*number) == Some(*number);
            // RFC 7252 §5.4.3 and §5.4.5: a wrong length and a supernumerary option are as if not understood.
            let understood = rule(*number, role)
                .is_some_and(|rule| (rule.repeatable || !repeated) && rule.len.contains(&value.len()));
            if !understood && number.is_critical() {
                refused.get_or_insert(*number);
            }
            understood
        });
        refused.map_or(Ok(before - self.0.len()), Err)
    }
}

struct Rule {
    len: std::ops::RangeInclusive<usize>,
    repeatable: bool,
}

/// Lengths and repetition from RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §2.1 and §4, RFC 9175 §3.2.
fn rule(number: OptionNumber, role: Role) -> Option<Rule> {
    let (len, repeatable) = match (number, role) {
        (OptionNumber::BLOCK1 | OptionNumber::BLOCK2, _) => (0..=3, false),
        (OptionNumber::CONTENT_FORMAT, _) => (0..=2, false),
        (OptionNumber::OBSERVE, _) => (0..=3, false),
        (OptionNumber::SIZE1 | OptionNumber::SIZE2, _) => (0..=4, false),
        (OptionNumber::ETAG, Role::Request) => (1..=8, true),
        (OptionNumber::ETAG, Role::Response) => (1..=8, false),
        (OptionNumber::URI_HOST, Role::Request) => (1..=255, false),
        (OptionNumber::URI_PORT, Role::Request) => (0..=2, false),
        (OptionNumber::URI_PATH | OptionNumber::URI_QUERY, Role::Request) => (0..=255, true),
        (OptionNumber::ACCEPT, Role::Request) => (0..=2, false),
        (OptionNumber::REQUEST_TAG, Role::Request) => (0..=8, true),
        (OptionNumber::LOCATION_PATH | OptionNumber::LOCATION_QUERY, Role::Response) => (0..=255, true),
        (OptionNumber::MAX_AGE, Role::Response) => (0..=4, false),
        _ => return None,
    };
    Some(Rule { len, repeatable })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(list: &[(u16, usize)]) -> Options {
        let mut options = Options::default();
        for (number, len) in list {
            options.push(OptionNumber(*number), vec![1; *len]);
        }
        options
    }

    #[test]
    fn an_observe_of_four_bytes_is_ignored() {
        let mut screened = options(&[(6, 4), (11, 2)]);
        assert_eq!(screened.screen(Role::Request), Ok(1));
        assert_eq!(screened, options(&[(11, 2)]));
    }

    #[test]
    fn a_critical_option_that_is_unknown_too_long_or_repeated_refuses_the_message() {
        for (list, number) in [
            (&[(9, 1)][..], 9),
            (&[(23, 4)], 23),
            (&[(27, 1), (27, 1)], 27),
            (&[(3, 256)], 3),
            (&[(3, 0)], 3),
            (&[(5, 0)], 5),
        ] {
            assert_eq!(options(list).screen(Role::Request), Err(OptionNumber(number)));
        }
    }

    #[test]
    fn an_option_of_requests_is_not_understood_in_a_response() {
        assert_eq!(options(&[(11, 1)]).screen(Role::Response), Err(OptionNumber::URI_PATH));
        assert_eq!(options(&[(14, 1)]).screen(Role::Request), Ok(1));
    }
}
