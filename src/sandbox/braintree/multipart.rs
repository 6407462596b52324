//! Reads `multipart/form-data` as the official SDKs send it: small forms with one file. Keeps nothing.

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content: &'a [u8],
}

/// The parts of a form; none if the body is not one.
pub(super) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let boundary = content_type.strip_prefix("multipart/form-data")?.split_once("boundary=")?.1.trim_matches('"');
    let fence = format!("--{boundary}");
    let mut found = Vec::new();
    let mut rest = after(body, fence.as_bytes())?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = position(part, format!("\r\n{fence}").as_bytes())?;
        let head = position(part, b"\r\n\r\n").filter(|head| *head < end)?;
        found.push(read(&part[..head], &part[head + 4..end])?);
        rest = &part[end + 2 + fence.len()..];
    }
    rest.starts_with(b"--").then_some(found)
}

fn read<'a>(head: &[u8], content: &'a [u8]) -> Option<Part<'a>> {
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let value = |key: &str| {
        disposition.split(';').find_map(|piece| Some(piece.trim().strip_prefix(key)?.trim_matches('"').to_owned()))
    };
    Some(Part { name: value("name=")?, file_name: value("filename="), content })
}

fn after<'a>(body: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    position(body, mark).map(|at| &body[at + mark.len()..])
}

fn position(body: &[u8], mark: &[u8]) -> Option<usize> {
    body.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_a_file_is_read() {
        let body = b"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: \
            application/pdf\r\n\r\n%PDF\r\n1\r\n--xyz\r\nContent-Disposition: form-data; \
            name=\"document_upload[kind]\"\r\n\r\nevidence_document\r\n--xyz--\r\n\r\n";
        let found = parts("multipart/form-data; boundary=xyz", body).unwrap();
        assert_eq!(found[0], Part { name: "file".into(), file_name: Some("a.pdf".into()), content: b"%PDF\r\n1" });
        assert_eq!((found[1].name.as_str(), found[1].content), ("document_upload[kind]", &b"evidence_document"[..]));
    }

    #[test]
    fn what_is_no_form_or_was_cut_off_is_refused() {
        assert_eq!(parts("application/xml", b"<a/>"), None);
        assert_eq!(parts("multipart/form-data; boundary=xyz", b"--xyz\r\nContent-Disposition: form"), None);
    }
}
