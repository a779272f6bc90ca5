// Plain RTP for one leg: SIP.js' session description handler without WebRTC.
//
// A leg sends a tone while the negotiated direction lets it and it does not hold the other side itself (it has no music
// on hold), and it listens to the negotiated address only.

import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { PACKET, Sine, WINDOW, decoded, dominant } from "./tone.mjs";

const PACKET_MS = 20;
const WINDOW_MS = 100;
const HEADER = 12;
const PCMU = 0;
/** Windows a tone or silence must last before it is told. */
const STABLE = 3;
/** Windows that a report holds: a minute. */
const KEPT = 600;
const NEAR_HZ = 10;
/** A timer that is this late catches up; a process that slept longer goes on from now. */
const CATCH_UP_PACKETS = 10;

const ANSWER_TO = { sendrecv: "sendrecv", sendonly: "recvonly", recvonly: "sendonly", inactive: "inactive" };

const same = (one, other) => one === other || (one !== null && other !== null && Math.abs(one - other) <= NEAR_HZ);

/** One leg's RTP and its SDP. */
export class Media {
  #address;
  #port;
  #tell;
  #socket = dgram.createSocket("udp4");
  #bound;
  #timers = [];
  #version = 0;
  #remote = null;
  #offered = false;
  #remoteOffer = false;
  #holding = false;
  #direction = "sendrecv";
  #sine;
  #sequence = randomBytes(2).readUInt16BE();
  #timestamp = randomBytes(4).readUInt32BE();
  #source = randomBytes(4);
  #marker = true;
  #samples = [];
  #windows = [];
  #candidate = { hz: null, times: 0 };
  #told = null;
  #sent = 0;
  #received = 0;
  #strangers = 0;

  constructor({ address, port, hz, tell }) {
    this.#address = address;
    this.#port = port;
    this.#tell = tell;
    this.#sine = new Sine(hz);
    this.#socket.on("message", (packet, source) => this.#arrived(packet, source));
    this.#bound = new Promise((bound, failed) => {
      this.#socket.once("error", failed);
      this.#socket.bind(port, address, bound);
    });
  }

  /** Packets each way, those from elsewhere, and the tone of each 100 ms since the first description. */
  report() {
    return {
      port: this.#port,
      direction: this.#direction,
      sent: this.#sent,
      received: this.#received,
      strangers: this.#strangers,
      windows: this.#windows,
    };
  }

  // What SIP.js asks for.

  close() {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#socket.close();
  }

  hasDescription(contentType) {
    return contentType === "application/sdp";
  }

  async rollbackDescription() {
    this.#remoteOffer = false;
  }

  sendDtmf() {
    return false;
  }

  async getDescription(options) {
    await this.#bound;
    const answers = this.#remoteOffer;
    this.#remoteOffer = false;
    if (!answers && options?.hold !== undefined) this.#holding = options.hold;
    const free = answers ? ANSWER_TO[this.#remote.direction] : "sendrecv";
    const held = { sendrecv: "sendonly", recvonly: "inactive" };
    const direction = this.#holding ? (held[free] ?? free) : free;
    if (answers) this.#agree(direction);
    this.#version += 1;
    const lines = [
      "v=0",
      `o=sipjs 1 ${this.#version} IN IP4 ${this.#address}`,
      "s=-",
      `c=IN IP4 ${this.#address}`,
      "t=0 0",
      `m=audio ${this.#port} RTP/AVP 0 101`,
      "a=rtpmap:0 PCMU/8000",
      "a=rtpmap:101 telephone-event/8000",
      "a=ptime:20",
      `a=${direction}`,
      "",
    ];
    this.#offered = !answers;
    return { contentType: "application/sdp", body: lines.join("\r\n") };
  }

  async setDescription(sdp) {
    const address = sdp.match(/^c=IN IP4 (\S+)/m)[1];
    const port = Number(sdp.match(/^m=audio (\d+)/m)[1]);
    const direction = sdp.match(/^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m)?.[1] ?? "sendrecv";
    this.#remote = { address, port, direction };
    this.#tell("remote_media", { address, port, direction });
    if (this.#offered) {
      this.#offered = false;
      this.#agree(ANSWER_TO[direction]);
    } else {
      this.#remoteOffer = true;
    }
  }

  #agree(direction) {
    this.#direction = direction;
    if (this.#timers.length > 0) return;
    let next = performance.now();
    const send = () => {
      const now = performance.now();
      if (now - next > CATCH_UP_PACKETS * PACKET_MS) next = now;
      for (; next <= now; next += PACKET_MS) this.#send();
    };
    this.#timers = [setInterval(send, PACKET_MS), setInterval(() => this.#listen(), WINDOW_MS)];
  }

  #send() {
    this.#timestamp = (this.#timestamp + PACKET) >>> 0;
    const mayTalk = this.#direction === "sendrecv" || this.#direction === "sendonly";
    if (!mayTalk || this.#holding) {
      // Silence is over with a marker bit (RFC 3551 4.1).
      this.#marker = true;
      return;
    }
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const header = Buffer.alloc(HEADER);
    header[0] = 0x80;
    header[1] = PCMU | (this.#marker ? 0x80 : 0);
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(this.#timestamp, 4);
    this.#source.copy(header, 8);
    this.#marker = false;
    this.#sent += 1;
    this.#socket.send([header, this.#sine.packet()], this.#remote.port, this.#remote.address);
  }

  #arrived(packet, { address, port }) {
    if (address !== this.#remote?.address || port !== this.#remote.port) {
      this.#strangers += 1;
      return;
    }
    if (packet.length < HEADER || packet[0] >> 6 !== 2 || (packet[1] & 0x7f) !== PCMU) return;
    this.#received += 1;
    const start = HEADER + 4 * (packet[0] & 0x0f);
    this.#samples.push(...decoded(packet.subarray(start)));
  }

  /** Judges the 100 ms that have gone by. */
  #listen() {
    const hz = dominant(this.#samples.slice(-WINDOW));
    this.#samples = [];
    this.#windows.push(hz);
    if (this.#windows.length > KEPT) this.#windows.shift();
    const { times } = same(hz, this.#candidate.hz) ? this.#candidate : { times: 0 };
    this.#candidate = { hz, times: times + 1 };
    if (this.#candidate.times >= STABLE && !same(hz, this.#told)) {
      this.#told = hz;
      this.#tell("heard", { hz });
    }
  }
}
