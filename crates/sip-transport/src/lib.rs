//! SIP transport: flows, received and rport, routing of a request to hops; SIP sockets behind the io feature
