const onLeaderboard = location.pathname === "/leaderboard";
const say = (text) => { document.getElementById("status").textContent = text; };

async function vote(shortcode) {
  const reply = await fetch(`/api/vote?choice=${encodeURIComponent(shortcode)}`);
  say(reply.ok ? `You voted for ${shortcode}` : (await reply.json()).error);
}

function item({ shortcode, unicode, votes }) {
  const entry = document.createElement("li");
  const button = entry.appendChild(document.createElement("button"));
  button.textContent = onLeaderboard ? `${unicode} ${votes}` : unicode;
  button.title = shortcode;
  button.addEventListener("click", () => vote(shortcode));
  return entry;
}

const reply = fetch(onLeaderboard ? "/api/leaderboard" : "/api/list");
reply
  .then(async (answer) => answer.ok ? answer.json() : Promise.reject(new Error((await answer.json()).error)))
  .then((emoji) => document.getElementById("main").append(...emoji.map(item)))
  .catch((error) => say(error.message));
