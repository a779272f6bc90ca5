//! SDP offer/answer, RTP and RTCP streams, quality; RTP sockets behind the io feature
