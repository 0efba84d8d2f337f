//! HTTP/1.1 as it stands on the wire, as far as a receiver and a reader of streams need it.

/// The first line and the headers of a request or an answer.
#[derive(Debug)]
pub(crate) struct Head {
    /// `POST /hook HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub(crate) first: String,
    /// The headers in their order, their names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// Takes a head from the front of what was read, when it is there in full.
    pub(crate) fn take(read: &mut Vec<u8>) -> Option<Self> {
        let end = find(read, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        read.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Some(Self { first, headers: headers.collect() })
    }

    /// The first header of this name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The first header of this name in lower case.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
}

/// A body that is read as it comes.
#[derive(Debug)]
pub(crate) struct Body {
    framing: Framing,
    complete: bool,
}

#[derive(Debug)]
enum Framing {
    /// So many bytes are missing.
    Length(usize),
    Chunked,
    UntilClosed,
}

impl Body {
    /// The body of a request, which has none unless its head says so.
    pub(crate) fn of_request(head: &Head) -> Self {
        Self::of(head, Framing::Length(0))
    }

    /// The body of an answer.
    pub(crate) fn of_answer(head: &Head) -> Self {
        Self::of(head, Framing::UntilClosed)
    }

    fn of(head: &Head, otherwise: Framing) -> Self {
        let chunked = head.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        let length = head.header("content-length").and_then(|length| length.parse().ok()).map(Framing::Length);
        Self { framing: if chunked { Framing::Chunked } else { length.unwrap_or(otherwise) }, complete: false }
    }

    /// Moves what is of the body from what was read to what it says.
    pub(crate) fn take(&mut self, read: &mut Vec<u8>, said: &mut Vec<u8>) {
        match &mut self.framing {
            Framing::UntilClosed => said.append(read),
            Framing::Length(missing) => {
                let length = read.len().min(*missing);
                said.extend(read.drain(..length));
                *missing -= length;
                self.complete = *missing == 0;
            }
            Framing::Chunked => {
                while !self.complete {
                    let Some((start, size)) = chunk(read) else { return };
                    // After its bytes a chunk has a line's end, and the last one, which is empty, nothing but that.
                    if read.len() < start + size + 2 {
                        return;
                    }
                    said.extend(&read[start..start + size]);
                    read.drain(..start + size + 2);
                    self.complete = size == 0;
                }
            }
        }
    }

    /// Whether it was read to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }
}

/// Where the bytes of the next chunk begin, and how many they are.
fn chunk(read: &[u8]) -> Option<(usize, usize)> {
    let end = find(read, b"\r\n")?;
    let line = String::from_utf8_lossy(&read[..end]);
    let size = line.split(';').next().unwrap_or_default().trim();
    let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("`{line}` is no size of a chunk"));
    Some((end + 2, size))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str, body_of: fn(&Head) -> Body) -> (String, bool, String) {
        // Byte by byte, so that every end of a piece is tried.
        let (mut read, mut said, mut head) = (Vec::new(), Vec::new(), None);
        for byte in bytes.bytes() {
            read.push(byte);
            if head.is_none() {
                head = Head::take(&mut read).map(|head| body_of(&head));
            }
            if let Some(body) = head.as_mut().filter(|body| !body.is_complete()) {
                body.take(&mut read, &mut said);
            }
        }
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(said), head.unwrap().is_complete(), text(read))
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        let request = |bytes| read(bytes, Body::of_request);
        assert_eq!(request("POST / HTTP/1.1\r\n\r\nnext"), (String::new(), true, "next".to_owned()));
        assert_eq!(request("POST / HTTP/1.1\r\nCONTENT-length: 2\r\n\r\nabc"), ("ab".to_owned(), true, "c".to_owned()));
        assert_eq!(
            request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x\r\ncde\r\n0\r\n\r\nnext"),
            ("abcde".to_owned(), true, "next".to_owned())
        );
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\nall", Body::of_answer), ("all".to_owned(), false, String::new()));
    }

    #[test]
    fn a_header_is_found_by_its_name_in_lower_case() {
        let head = Head::take(&mut b"GET / HTTP/1.1\r\nWebhook-Id:  a:b \r\n\r\n".to_vec()).unwrap();
        assert_eq!((head.first.as_str(), head.header("webhook-id")), ("GET / HTTP/1.1", Some("a:b")));
    }
}
