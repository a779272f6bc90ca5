//! What is parsed.

pub(crate) struct Body {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) const BODIES: [Body; 3] = [
    Body { name: "An offer of a telephone", text: TELEPHONE },
    Body { name: "An offer with SRTP and six codecs", text: SECURED },
    Body { name: "An offer of a browser", text: BROWSER },
];

const TELEPHONE: &str = "v=0\r\n\
    o=alice 2890844526 2890844526 IN IP4 192.0.2.101\r\n\
    s=two people\r\n\
    c=IN IP4 192.0.2.101\r\n\
    t=0 0\r\n\
    m=audio 49172 RTP/AVP 0 8 101\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\n\
    a=ptime:20\r\n\
    a=maxptime:60\r\n\
    a=sendrecv\r\n";

const SECURED: &str = "v=0\r\n\
    o=- 3848394839 3848394840 IN IP4 192.0.2.17\r\n\
    s=call\r\n\
    c=IN IP4 192.0.2.17\r\n\
    b=AS:128\r\n\
    t=0 0\r\n\
    m=audio 11780 RTP/SAVP 9 8 0 18 3 13 101\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n\
    a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n\
    a=rtpmap:9 G722/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:18 G729/8000\r\n\
    a=fmtp:18 annexb=no\r\n\
    a=rtpmap:3 GSM/8000\r\n\
    a=rtpmap:13 CN/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=ptime:20\r\n\
    a=maxptime:150\r\n\
    a=sendonly\r\n\
    a=rtcp:11781\r\n";

const BROWSER: &str = "v=0\r\n\
    o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0\r\n\
    a=extmap-allow-mixed\r\n\
    a=msid-semantic: WMS\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=rtcp:9 IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:4ZcD\r\n\
    a=ice-pwd:2/1muCWoOi3uLifh0NuRHlLQ\r\n\
    a=ice-options:trickle\r\n\
    a=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24\r\n\
    a=setup:actpass\r\n\
    a=mid:0\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
    a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
    a=sendrecv\r\n\
    a=rtcp-mux\r\n\
    a=rtcp-rsize\r\n\
    a=rtpmap:111 opus/48000/2\r\n\
    a=rtcp-fb:111 transport-cc\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:63 red/48000/2\r\n\
    a=fmtp:63 111/111\r\n\
    a=rtpmap:9 G722/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:13 CN/8000\r\n\
    a=rtpmap:110 telephone-event/48000\r\n\
    a=rtpmap:126 telephone-event/8000\r\n";
