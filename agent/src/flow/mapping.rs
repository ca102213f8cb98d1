//! Requests that ask a router to open a port: UPnP IGD, NAT-PMP and PCP.

/// Port of NAT-PMP (RFC 6886) and PCP (RFC 6887) servers.
pub const PORT_CONTROL: u16 = 5351;

/// What a datagram to or from [`PORT_CONTROL`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortControl {
    /// It asks for a mapping.
    Request,
    /// It answers such a request, whatever the result.
    Answer,
}

/// Reads a NAT-PMP or PCP message. A request with lifetime 0 takes a mapping away, which opens nothing.
pub fn port_control(payload: &[u8]) -> Option<PortControl> {
    match payload {
        // Opcode, reserved, internal and external port, lifetime (RFC 6886, section 3.3).
        [0, 1 | 2, _, _, _, _, _, _, lifetime @ ..] => opens(lifetime),
        // Opcode, reserved, lifetime (RFC 6887, section 7.1): MAP or PEER.
        [2, 1 | 2, _, _, lifetime @ ..] => opens(lifetime),
        [0 | 2, 0x81 | 0x82, ..] => Some(PortControl::Answer),
        _ => None,
    }
}

fn opens(lifetime: &[u8]) -> Option<PortControl> {
    let lifetime: &[u8; 4] = lifetime.first_chunk()?;
    (*lifetime != [0; 4]).then_some(PortControl::Request)
}

/// Whether a TCP payload begins a UPnP IGD request for a port mapping (UPnP WANIPConnection, sections 2.5.16 and 2.5.20):
/// a POST (or the M-POST that old control points fall back to) whose action is AddPortMapping or AddAnyPortMapping.
pub fn igd_request(payload: &[u8]) -> Option<IgdRequest> {
    if !(payload.starts_with(b"POST ") || payload.starts_with(b"M-POST ")) {
        return None;
    }
    if holds(payload, b"soapaction") && names_action(payload) {
        return Some(IgdRequest::Asks);
    }
    (!ends_header(payload)).then_some(IgdRequest::Begins)
}

/// What a request may be as far as it was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IgdRequest {
    /// It asks for a mapping.
    Asks,
    /// Its header goes on in the next segment.
    Begins,
}

/// Whether a later segment of a header names the action.
pub fn names_action(payload: &[u8]) -> bool {
    holds(payload, b"#addportmapping") || holds(payload, b"#addanyportmapping")
}

/// Whether a header ends in this segment.
pub fn ends_header(payload: &[u8]) -> bool {
    holds(payload, b"\r\n\r\n")
}

fn holds(payload: &[u8], word: &[u8]) -> bool {
    let text = payload.get(..MAX_REQUEST.min(payload.len())).unwrap_or_default();
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Bytes of a request that are searched.
const MAX_REQUEST: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_from_answers_and_removals() {
        let pmp = [0, 1, 0, 0, 0x1f, 0x90, 0x1f, 0x90, 0, 0, 0x0e, 0x10];
        assert_eq!(port_control(&pmp), Some(PortControl::Request));
        let mut gone = pmp;
        gone[8..].fill(0);
        assert_eq!(port_control(&gone), None);
        assert_eq!(port_control(&[0, 0]), None, "asks for the external address");
        assert_eq!(port_control(&[0, 0x82, 0, 0]), Some(PortControl::Answer));
        let mut pcp = [0; 60];
        (pcp[0], pcp[1], pcp[7]) = (2, 1, 120);
        assert_eq!(port_control(&pcp), Some(PortControl::Request));
        (pcp[1], pcp[7]) = (0, 0);
        assert_eq!(port_control(&pcp), None, "an announcement");
        assert_eq!(port_control(&[2, 0x81]), Some(PortControl::Answer));
        assert_eq!(port_control(&[]), None);
    }

    #[test]
    fn igd_requests_are_told_by_their_action() {
        let request = |action: &str| {
            format!(
                "POST /ctl/IPConn HTTP/1.1\r\nSOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#{action}\"\r\n\r\n"
            )
        };
        assert_eq!(igd_request(request("AddPortMapping").as_bytes()), Some(IgdRequest::Asks));
        assert_eq!(igd_request(request("AddAnyPortMapping").as_bytes()), Some(IgdRequest::Asks));
        assert_eq!(None, igd_request(request("DeletePortMapping").as_bytes()));
        assert_eq!(None, igd_request(request("GetExternalIPAddress").as_bytes()));
        assert_eq!(None, igd_request(b"POST /onvif/device_service HTTP/1.1\r\nSOAPAction: \"x#GetProfiles\"\r\n\r\n"));
        assert_eq!(None, igd_request(b"GET /#AddPortMapping HTTP/1.1\r\nSOAPAction: x\r\n"));
        assert_eq!(igd_request(b"POST /ctl/IPConn HTTP/1.1\r\n"), Some(IgdRequest::Begins));
        assert!(names_action(b"SOAPAction: \"x#AddPortMapping\"\r\n"));
    }
}
