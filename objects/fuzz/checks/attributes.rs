//! Write-Attributes queries, one a line: what is read survives being printed and read again.

use objects::Attributes;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok((set, unset)) = Attributes::parse_queries(text.lines()) {
        let queries = set.to_queries();
        assert!(queries.iter().all(|query| query.len() <= 255));
        let again = Attributes::parse_queries(queries.iter().map(String::as_str));
        assert_eq!(again, Ok((set, Vec::new())));
        assert!(unset.iter().all(|attribute| set.text(*attribute).is_none()));
        assert_eq!(set.check(), set.merged_over(&set).check());
    }
}
