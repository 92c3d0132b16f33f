const socket = new WebSocket(new URL("socket", location.href.replace(/^http/, "ws")));
const box = document.getElementById("text");
let n = 0;
const ask = request => socket.send(JSON.stringify({id: ++n, ...request}));
socket.onopen = () => ask({do: "open"});
socket.onmessage = event => {
  const reply = JSON.parse(event.data);
  if (reply.text !== undefined) { box.value = reply.text; ask({do: "check", text: reply.text, view: "figure"}); }
  if (reply.figure) document.getElementById("figure").innerHTML = reply.figure;
  document.getElementById("said").textContent = reply.error ?? (reply.problems ?? []).map(p => p.message).join(" ");
};
socket.onclose = event => { document.getElementById("said").textContent = `closed ${event.code} ${event.reason}`; };
box.oninput = () => ask({do: "check", text: box.value, view: "figure"});
