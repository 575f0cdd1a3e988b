//! The arguments of an Execute: `0='a',1` (LwM2M Core 1.1.1 §6.3.5).

use crate::refusal::Refusal;

/// One argument of an Execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its digit, 0 to 9.
    pub digit: u8,
    /// Its value, if it has one.
    pub value: Option<String>,
}

/// Reads the payload of an Execute. No argument is given twice.
pub(crate) fn parse(payload: &[u8]) -> Result<Vec<Argument>, Refusal> {
    let mut rest = std::str::from_utf8(payload).map_err(|_| Refusal::Arguments)?;
    let mut arguments: Vec<Argument> = Vec::new();
    while !rest.is_empty() {
        if !arguments.is_empty() {
            rest = rest.strip_prefix(',').ok_or(Refusal::Arguments)?;
        }
        let digit = rest.bytes().next().filter(u8::is_ascii_digit).ok_or(Refusal::Arguments)? - b'0';
        rest = &rest[1..];
        let mut value = None;
        if let Some(quoted) = rest.strip_prefix("='") {
            let (text, after) = quoted.split_once('\'').ok_or(Refusal::Arguments)?;
            value = Some(text.to_owned());
            rest = after;
        }
        if arguments.iter().any(|other| other.digit == digit) {
            return Err(Refusal::Arguments);
        }
        arguments.push(Argument { digit, value });
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_digits_with_or_without_a_value() {
        let argument = |digit, value: Option<&str>| Argument { digit, value: value.map(str::to_owned) };
        assert_eq!(parse(b""), Ok(vec![]));
        assert_eq!(parse(b"0='a,b',1"), Ok(vec![argument(0, Some("a,b")), argument(1, None)]));
        assert_eq!(parse(b"9=''"), Ok(vec![argument(9, Some(""))]));
    }

    #[test]
    fn what_is_no_list_of_arguments_is_refused() {
        for bad in ["a", "0=", "0='a", "0=a", "0,", ",0", "0 ,1", "10", "0,0", "0='a''b'", "\u{660}"] {
            assert_eq!(parse(bad.as_bytes()), Err(Refusal::Arguments), "{bad}");
        }
        assert_eq!(parse(&[0xff]), Err(Refusal::Arguments));
    }
}
