import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/queries";
import { App } from "./app";
import { applyTheme, storedTheme } from "./kit/theme";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/kit.css";
import "./styles/ask.css";
import "./styles/pages.css";
import "./styles/settings.css";
import "./styles/traces.css";
import "./styles/flows.css";
import "./styles/agents.css";
import "./styles/drafts.css";

applyTheme(storedTheme());
createRoot(document.getElementById("root")!).render(
  <StrictMode><QueryClientProvider client={queryClient}><App /></QueryClientProvider></StrictMode>);
