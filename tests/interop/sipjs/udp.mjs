// SIP over UDP for SIP.js, whose own transport is a WebSocket.
//
// Requests go to the first Route, or to the Request-URI; responses to the topmost Via, as received and rport say.

import dgram from "node:dgram";

const SIP_PORT = 5060;
const RESPONSE = /^SIP\/2\.0 /;
const VIA = /^(?:Via|v)[ \t]*:[ \t]*SIP\/2\.0\/\w+[ \t]+([^;\s,]+)([^\r\n,]*)/im;
const ROUTE = /^Route[ \t]*:[ \t]*<?sips?:(?:[^@>\r\n]*@)?([^:;>\s]+)(?::(\d+))?/im;
const REQUEST_URI = /^\w+ sips?:(?:[^@\s]*@)?([^:;?\s]+)(?::(\d+))?/;

/** What SIP.js wants of an emitter. */
class Listeners {
  #all = new Map();

  addListener(listener, options) {
    this.#all.set(listener, options?.once === true);
  }

  removeListener(listener) {
    this.#all.delete(listener);
  }

  emit(value) {
    for (const [listener, once] of [...this.#all]) {
      if (once) this.#all.delete(listener);
      listener(value);
    }
  }
}

/** Where a message has to go: [address, port]. */
function destination(message) {
  if (RESPONSE.test(message)) {
    const [, sentBy, parameters] = message.match(VIA);
    const [host, port] = sentBy.split(":");
    const received = parameters.match(/;received=([^;\s]+)/i)?.[1];
    const rport = parameters.match(/;rport=(\d+)/i)?.[1];
    return [received ?? host, Number(rport ?? port ?? SIP_PORT)];
  }
  const [, host, port] = message.match(ROUTE) ?? message.match(REQUEST_URI);
  return [host, Number(port ?? SIP_PORT)];
}

/** A request with its source written into the topmost Via (RFC 3261 18.2.1, RFC 3581 4). */
function stamped(request, source) {
  return request.replace(VIA, (via) => {
    const filled = via.replace(/;rport(?!=)/i, `;rport=${source.port}`);
    return `${filled};received=${source.address}`;
  });
}

/** A transport class for SIP.js that is bound to one address; `states` is SIP.js' own TransportState. */
export function udpTransport(states, address, port, told) {
  return class UdpTransport {
    protocol = "UDP";
    state = states.Disconnected;
    stateChange = new Listeners();
    #socket;

    async connect() {
      this.#socket = dgram.createSocket("udp4");
      this.#socket.on("message", (bytes, source) => {
        const message = bytes.toString("utf8");
        told("received", source.address, message);
        this.onMessage?.(RESPONSE.test(message) ? message : stamped(message, source));
      });
      await new Promise((bound, failed) => {
        this.#socket.once("error", failed);
        this.#socket.bind(port, address, bound);
      });
      this.#enter(states.Connected);
      this.onConnect?.();
    }

    async disconnect() {
      this.#socket.close();
      this.#enter(states.Disconnected);
      this.onDisconnect?.();
    }

    async dispose() {
      if (this.isConnected()) await this.disconnect();
    }

    isConnected() {
      return this.state === states.Connected;
    }

    async send(message) {
      const [host, to] = destination(message);
      told("sent", host, message);
      this.#socket.send(message, to, host);
    }

    #enter(state) {
      this.state = state;
      this.stateChange.emit(state);
    }
  };
}
