import { render } from "preact";
import "./styles/base.css";
import "./styles/parts.css";
import { App } from "./app";
import { followLinks } from "./router";
import { followSettings } from "./settings";

followSettings();
followLinks();
const root = document.getElementById("app");
if (root) render(<App />, root);
