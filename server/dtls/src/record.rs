//! The record layer's framing (RFC 6347 §4.1, RFC 9146 §4).

/// A record as it lies in its datagram.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) kind: u8,
    pub(crate) epoch: u16,
    pub(crate) sequence: u64,
    /// Of a `tls12_cid` record, the connection id.
    pub(crate) cid: &'a [u8],
    /// The fragment: protected, unless the epoch is 0.
    pub(crate) body: &'a mut [u8],
}

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;
/// RFC 9146 §4.
pub(crate) const TLS12_CID: u8 = 25;

pub(crate) const HEADER: usize = 13;
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;
/// RFC 5246 §6.2.3: what protection may add.
const MAX_FRAGMENT: usize = MAX_PLAINTEXT + 2_048;
/// Sequence numbers have 48 bits. The last one is never used.
pub(crate) const MAX_SEQUENCE: u64 = (1 << 48) - 1;

pub(crate) const VERSION_1_0: u16 = 0xfeff;
pub(crate) const VERSION_1_2: u16 = 0xfefd;

/// Takes the next record off a datagram, in which `cid_len` is the length of this side's connection ids. None at its end, or
/// at the first byte that is none of a record: the rest is dropped.
pub(crate) fn next<'a>(rest: &mut &'a mut [u8], cid_len: usize) -> Option<Record<'a>> {
    let datagram = std::mem::take(rest);
    let kind = *datagram.first()?;
    let cid_len = match kind {
        CHANGE_CIPHER_SPEC..=APPLICATION_DATA => 0,
        // RFC 9146 §3: an empty id is none, and a peer that was given none sends records without.
        TLS12_CID if cid_len > 0 => cid_len,
        _ => return None,
    };
    let (header, rest_of_it) = datagram.split_at_mut_checked(HEADER + cid_len)?;
    let header: &'a [u8] = header;
    let version = u16::from_be_bytes([header[1], header[2]]);
    let epoch = u16::from_be_bytes([header[3], header[4]]);
    // RFC 6347 §4.2.1: the version is not settled before the hellos have passed.
    if version != VERSION_1_2 && !(version == VERSION_1_0 && epoch == 0) {
        return None;
    }
    let (number, cid) = header[3..HEADER + cid_len - 2].split_at(8);
    let number = u64::from_be_bytes(number.try_into().expect("it was split at 8"));
    let length = u16::from_be_bytes([header[HEADER + cid_len - 2], header[HEADER + cid_len - 1]]);
    let length = usize::from(length);
    if length > MAX_FRAGMENT {
        return None;
    }
    let (body, after) = rest_of_it.split_at_mut_checked(length)?;
    *rest = after;
    Some(Record { kind, epoch, sequence: number & MAX_SEQUENCE, cid, body })
}

/// Appends a record in the clear (epoch 0).
pub(crate) fn write_plain(out: &mut Vec<u8>, kind: u8, sequence: u64, body: &[u8]) {
    write_plain_as(out, VERSION_1_2, kind, sequence, body);
}

/// The same, of another version: a HelloVerifyRequest is of 1.0 (RFC 6347 §4.2.1).
pub(crate) fn write_plain_as(out: &mut Vec<u8>, version: u16, kind: u8, sequence: u64, body: &[u8]) {
    write_header(out, version, kind, 0, sequence, &[], body.len());
    out.extend_from_slice(body);
}

/// Appends a header, for a fragment of so many bytes.
pub(crate) fn write_header(
    out: &mut Vec<u8>,
    version: u16,
    kind: u8,
    epoch: u16,
    sequence: u64,
    cid: &[u8],
    length: usize,
) {
    let length = u16::try_from(length).expect("a fragment is no longer than 2^14 + 2048");
    out.push(kind);
    out.extend_from_slice(&version.to_be_bytes());
    out.extend_from_slice(&number(epoch, sequence));
    out.extend_from_slice(cid);
    out.extend_from_slice(&length.to_be_bytes());
}

/// Epoch and sequence number as they stand in a header and in nonces.
pub(crate) fn number(epoch: u16, sequence: u64) -> [u8; 8] {
    debug_assert!(sequence <= MAX_SEQUENCE);
    (u64::from(epoch) << 48 | sequence).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_datagram_is_taken_apart_into_its_records() {
        let mut datagram = hex!(
            "16 feff 0000 000000000001 0002 aabb  19 fefd 0001 00000000abcd 0102030405060708 0001 cc  17"
        );
        let mut rest = &mut datagram[..];
        let first = next(&mut rest, 8).unwrap();
        assert_eq!((first.kind, first.epoch, first.sequence), (HANDSHAKE, 0, 1));
        assert_eq!((first.cid, &*first.body), (&[][..], &hex!("aabb")[..]));
        let second = next(&mut rest, 8).unwrap();
        assert_eq!((second.kind, second.epoch, second.sequence), (TLS12_CID, 1, 0xabcd));
        assert_eq!((second.cid, &*second.body), (&hex!("0102030405060708")[..], &hex!("cc")[..]));
        assert!(next(&mut rest, 8).is_none());
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_no_record_of_ours_ends_a_datagram() {
        for (what, bytes) in [
            ("an unknown kind", &hex!("18 fefd 0000 000000000001 0000")[..]),
            ("version 1.3's kind of header", &hex!("2f 0102 0304 050607080901 0000")),
            ("TLS", &hex!("16 0303 0000 000000000001 0000")),
            ("version 1.0 behind the handshake", &hex!("17 feff 0001 000000000001 0000")),
            ("a length that is not there", &hex!("16 fefd 0000 000000000001 0001")),
            ("a header that is not there", &hex!("16 fefd 0000 000000000001 00")),
        ] {
            assert!(next(&mut &mut bytes.to_vec()[..], 8).is_none(), "{what}");
        }
        let mut cid = hex!("19 fefd 0001 000000000001 0000");
        assert!(next(&mut &mut cid[..], 0).is_none(), "an id where none was given");
        let mut long = hex!("17 fefd 0001 000000000001 4801").to_vec();
        long.resize(HEADER + 0x4801, 0);
        assert!(next(&mut &mut long[..], 0).is_none(), "longer than 2^14 + 2048");
        long[12] = 0;
        assert_eq!(next(&mut &mut long[..], 0).unwrap().body.len(), 0x4800);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(mut bytes: Vec<u8>, cid_len in 0..20_usize) {
            let length = bytes.len();
            let mut rest = &mut bytes[..];
            let mut taken = 0;
            while let Some(record) = next(&mut rest, cid_len) {
                prop_assert!(record.sequence <= MAX_SEQUENCE);
                taken += HEADER + record.cid.len() + record.body.len();
            }
            prop_assert!(taken <= length);
        }

        #[test]
        fn what_is_cut_off_or_changed_is_read_to_an_end(
            cut in 0..60_usize, at in 0..60_usize, value: u8, cid_len in 0..10_usize,
        ) {
            let mut bytes = Vec::new();
            write_plain(&mut bytes, HANDSHAKE, 7, b"hello");
            write_header(&mut bytes, VERSION_1_2, TLS12_CID, 1, 8, b"12345678", 3);
            bytes.extend_from_slice(b"abc");
            if let Some(byte) = bytes.get_mut(at) { *byte = value; }
            bytes.truncate(cut);
            let mut rest = &mut bytes[..];
            while next(&mut rest, cid_len).is_some() {}
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn what_is_written_is_read(
            kind in CHANGE_CIPHER_SPEC..=APPLICATION_DATA,
            sequence in 0..=MAX_SEQUENCE,
            body in prop::collection::vec(any::<u8>(), 0..100),
            cid in prop::collection::vec(any::<u8>(), 1..20),
        ) {
            let mut bytes = Vec::new();
            write_plain(&mut bytes, kind, sequence, &body);
            write_header(&mut bytes, VERSION_1_2, TLS12_CID, 0xffff, sequence, &cid, body.len());
            bytes.extend_from_slice(&body);
            let mut rest = &mut bytes[..];
            let plain = next(&mut rest, cid.len()).unwrap();
            prop_assert_eq!((plain.kind, plain.epoch, plain.sequence), (kind, 0, sequence));
            prop_assert_eq!(&*plain.body, &body[..]);
            let protected = next(&mut rest, cid.len()).unwrap();
            prop_assert_eq!((protected.epoch, protected.sequence, protected.cid), (0xffff, sequence, &cid[..]));
            prop_assert_eq!(&*protected.body, &body[..]);
            prop_assert!(rest.is_empty());
        }
    }
}
