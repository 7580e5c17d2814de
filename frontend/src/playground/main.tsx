import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/graphiql.css";
import { createClient } from "graphql-ws";
import { createRoot } from "react-dom/client";

const socket = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`;
const fetcher = createGraphiQLFetcher({ url: "/graphql", wsClient: createClient({ url: socket, lazy: true }) });
const root = document.getElementById("root");
if (root) createRoot(root).render(<GraphiQL fetcher={fetcher} />);
