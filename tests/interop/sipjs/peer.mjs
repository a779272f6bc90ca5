// A telephone made of SIP.js: any of the roles of a call transfer, over UDP or a WebSocket and plain RTP, driven by standard
// input.
//
//   node peer.mjs --modules DIR --address IP --user NAME --tone HZ [--rtp PORT] [--incoming answer|busy|ring]
//                 [--refer follow|STATUS] [--server URL] [--registrar IP --password TEXT]
//
// DIR is the node_modules folder that holds sip.js and ws. With a server, ws: or wss:, it is a client of that WebSocket and
// listens nowhere; without one it speaks UDP on port 5060 of its address. With a registrar it is a user there. A REFER is
// followed, or refused with this status. Commands, one a line; N is a call's number, in the order in which calls came up, and
// without it the newest established call is meant, or for `answer` the newest one that rings:
//
//   options URI | call URI | answer [N] | hold [N] | resume [N] | blind URI [N] | attended | bye [N] | report | quit
//
// `attended` moves the first established call to the second. Every line of output is one JSON object with `event`.

import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Media } from "./media.mjs";
import { udpTransport } from "./udp.mjs";

const SIP_PORT = 5060;
const SUCCESS = /^SIP\/2\.0 2\d\d/;
const PROVISIONAL = /^SIP\/2\.0 1\d\d/;

const { values: options } = parseArgs({
  options: {
    modules: { type: "string" },
    address: { type: "string" },
    user: { type: "string" },
    tone: { type: "string" },
    rtp: { type: "string", default: "24000" },
    incoming: { type: "string", default: "answer" },
    refer: { type: "string", default: "follow" },
    server: { type: "string" },
    registrar: { type: "string" },
    password: { type: "string" },
  },
});

// SIP.js asks for these although nothing of the browser is used.
globalThis.window = globalThis;
globalThis.self = globalThis;
const library = path.join(options.modules, "sip.js", "lib", "index.js");
const { Inviter, Registerer, RegistererState, SessionState, TransportState, UserAgent } = await import(pathToFileURL(library).href);
const { default: WebSocket } = await import(
  pathToFileURL(path.join(options.modules, "ws", "wrapper.mjs")).href
);
globalThis.WebSocket = WebSocket;

const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const failed = (command) => (error) => tell("failed", { command, reason: error?.message ?? String(error) });

/** Every call there was, in order: { number, session, media, acknowledged }. */
const calls = [];
let rtpPort = Number(options.rtp);

/** Follows a call from its first moment. SIP.js makes the media when it first needs it. */
function track(session, direction, fields) {
  const number = calls.length + 1;
  const call = { number, session, media: null, acknowledged: Promise.resolve() };
  let acknowledge = () => {};
  calls.push(call);
  tell(direction === "in" ? "incoming" : "calling", { call: number, ...fields });
  session.stateChange.addListener((state) => tell("state", { call: number, state }));
  session.delegate = {
    // Between our 200 to an offer and its ACK SIP.js refuses to send an offer of its own.
    onInvite(_request, _response, code) {
      if (code < 300) call.acknowledged = new Promise((done) => (acknowledge = done));
    },
    onAck: () => acknowledge(),
    onBye(request) {
      request.accept();
      tell("bye", { call: number });
    },
    onNotify(notification) {
      notification.accept();
      tell("notify", { call: number, ...report(notification) });
    },
    onRefer(referral) {
      tell("refer", {
        call: number,
        target: referral.request.getHeader("Refer-To"),
        referred_by: referral.referredBy ?? null,
      });
      if (options.refer !== "follow") {
        referral.reject({ statusCode: Number(options.refer) }).catch(failed("refuse a REFER"));
        return;
      }
      referral.accept();
      const inviter = referral.makeInviter();
      track(inviter, "out", { uri: referral.referTo.uri.toString() });
      inviter.invite().catch(failed("referred call"));
    },
  };
  return call;
}

/** What a NOTIFY says. */
function report({ request }) {
  return {
    status: request.body.trim(),
    subscription: request.getHeader("Subscription-State") ?? null,
  };
}

const traced = (way, address, message) => tell("message", { way, address, message });

/** SIP.js' own transport, or one for UDP. By a WebSocket it has no address (RFC 7118 5.2.2 and its section 8). */
const transport =
  options.server === undefined
    ? {
        viaHost: options.address,
        contactParams: { transport: "udp" },
        transportConstructor: udpTransport(TransportState, options.address, SIP_PORT, traced),
      }
    : { contactParams: { transport: "ws" }, transportOptions: { server: options.server } };

/** With a registrar it is a user there, and proves by its password that it is. */
const account =
  options.registrar === undefined
    ? { uri: UserAgent.makeURI(`sip:${options.user}@${options.address}`) }
    : {
        uri: UserAgent.makeURI(`sip:${options.user}@${options.registrar}`),
        authorizationUsername: options.user,
        authorizationPassword: options.password,
      };

const agent = new UserAgent({
  ...account,
  contactName: options.user,
  ...transport,
  sessionDescriptionHandlerFactory(session) {
    const call = calls.find((known) => known.session === session);
    const number = call.number;
    call.media = new Media({
      address: options.address,
      port: rtpPort,
      hz: Number(options.tone),
      tell: (event, fields) => tell(event, { call: number, ...fields }),
    });
    rtpPort += 2;
    return call.media;
  },
  sipExtensionReplaces: "Supported",
  sipExtension100rel: "Supported",
  hackViaTcp: false,
  logLevel: "error",
  autoStart: false,
  autoStop: false,
  delegate: {
    onInvite(invitation) {
      const header = (name) => invitation.request.getHeader(name) ?? null;
      const { session } = track(invitation, "in", {
        from: header("From"),
        replaces: header("Replaces"),
        referred_by: header("Referred-By"),
      });
      if (options.incoming === "busy") session.reject({ statusCode: 486 }).catch(failed("refuse"));
      else if (options.incoming === "answer" || header("Replaces")) session.accept().catch(failed("answer"));
    },
  },
});

if (options.server !== undefined) {
  const { transport } = agent;
  const [receive, send] = [transport.onMessage, transport.send.bind(transport)];
  transport.onMessage = (message) => {
    traced("received", options.server, message);
    receive(message);
  };
  transport.send = (message) => {
    traced("sent", options.server, message);
    return send(message);
  };
}

const established = () => calls.filter(({ session }) => session.state === SessionState.Established);

function chosen(number) {
  const call = number === undefined ? established().at(-1) : calls[Number(number) - 1];
  if (call === undefined) throw new Error("no such call");
  return call;
}

async function hold(number, wanted) {
  const { number: call, session, acknowledged } = chosen(number);
  await acknowledged;
  const handling = { hold: wanted };
  session.sessionDescriptionHandlerOptionsReInvite = handling;
  await session.invite({
    sessionDescriptionHandlerOptions: handling,
    requestDelegate: { onAccept: () => tell(wanted ? "held" : "resumed", { call }) },
  });
}

/** Sends a REFER to a URI or to the other party of a session, and hangs up once the transfer is known to be done. */
async function refer({ number, session }, target) {
  await session.refer(target, {
    onNotify(notification) {
      notification.accept();
      const told = report(notification);
      tell("notify", { call: number, ...told });
      if (SUCCESS.test(told.status)) {
        if (session.state === SessionState.Established) session.bye();
        tell("transferred", { call: number });
      } else if (!PROVISIONAL.test(told.status)) {
        tell("not_transferred", { call: number, status: told.status });
      }
    },
    requestDelegate: {
      onAccept: ({ message }) => tell("refer_accepted", { call: number, code: message.statusCode }),
      onReject: ({ message }) => tell("refer_refused", { call: number, code: message.statusCode }),
    },
  });
}

const COMMANDS = {
  options(uri) {
    const core = agent.userAgentCore;
    const target = UserAgent.makeURI(uri);
    const { uri: own } = agent.configuration;
    const request = core.makeOutgoingRequestMessage("OPTIONS", target, own, target, {});
    const answered = ({ message }) =>
      tell("options", { code: message.statusCode, allow: message.getHeader("Allow") ?? null });
    core.request(request, { onAccept: answered, onReject: answered });
  },
  async call(uri) {
    const inviter = new Inviter(agent, UserAgent.makeURI(uri));
    track(inviter, "out", { uri });
    await inviter.invite();
  },
  hold: (number) => hold(number, true),
  resume: (number) => hold(number, false),
  answer(number) {
    const ringing = calls.filter(({ session }) => session.state === SessionState.Initial);
    const call = number === undefined ? ringing.at(-1) : calls[Number(number) - 1];
    if (call === undefined) throw new Error("nothing rings");
    return call.session.accept();
  },
  blind: (uri, number) => refer(chosen(number), UserAgent.makeURI(uri)),
  attended() {
    const [first, second] = established();
    if (second === undefined) throw new Error("two calls are needed");
    return refer(first, second.session);
  },
  bye: (number) => chosen(number).session.bye(),
  report() {
    const all = calls.map(({ number, session, media }) => ({
      call: number,
      state: session.state,
      ...media?.report(),
    }));
    tell("report", { calls: all });
  },
  quit: () => process.exit(0),
};

await agent.start();
if (options.registrar !== undefined) {
  const registerer = new Registerer(agent, { expires: 60 });
  const registered = new Promise((done) =>
    registerer.stateChange.addListener((state) => state === RegistererState.Registered && done()),
  );
  await registerer.register();
  await registered;
}
tell("ready", { address: options.address });

const input = readline.createInterface({ input: process.stdin });
input.on("line", async (line) => {
  const [name, ...words] = line.trim().split(/\s+/);
  try {
    if (!Object.hasOwn(COMMANDS, name)) throw new Error("no such command");
    await COMMANDS[name](...words);
  } catch (error) {
    failed(line)(error);
  }
});
// Whoever drove this peer is gone.
input.on("close", () => process.exit(0));
