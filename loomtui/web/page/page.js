// What textual.js cannot know: behind an SSH tunnel the server has another address than its own.
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
document.getElementById("terminal").dataset.sessionWebsocketUrl = `${scheme}//${location.host}/ws`;

// From now on the cookie is enough: the token does not stay where it can be seen or copied.
history.replaceState(null, "", location.pathname);

document.getElementById("again").addEventListener("click", () => location.reload());

// The size of a cell is measured once, so the font has to be there first.
const begin = window.onload;
window.onload = async (event) => {
  await Promise.allSettled(["16px", "bold 16px", "italic 16px"].map((font) => document.fonts.load(`${font} "Roboto Mono"`)));
  begin(event);
};
