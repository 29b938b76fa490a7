// Trust: issuers elsewhere whose word counts here, and authorization servers that take our word.

import { seg } from "./api.js";
import { badge, code, count } from "./dom.js";
import { list } from "./list.js";
import { empty, link, section } from "./ui.js";

export const kinds = { enterprise: "people of a company", workload: "programs of a platform" };

const off = (r) => (r.enabled ? null : [" ", badge("off", "warn")]);

export async function trustScreen(ctx) {
  const issuers = await list(ctx, {
    path: "/trusted-issuers", caption: "Trusted issuers",
    empty: empty("Nobody elsewhere is trusted.", link("/admin/trust/issuers/new", "Trust the first issuer")),
    columns: [
      { title: "Name", cell: (i) => [link(`/admin/trust/issuers/${seg(i.id)}`, i.name, "name"), off(i)] },
      { title: "Issuer", cell: (i) => code(i.issuer) },
      { title: "Vouches for", cell: (i) => kinds[i.kind] },
    ],
  });
  const servers = await list(ctx, {
    path: "/relying-servers", caption: "Servers that take our word",
    empty: empty("No authorization server elsewhere takes our word.", link("/admin/trust/servers/new", "Add the first one")),
    columns: [
      { title: "Name", cell: (s) => [link(`/admin/trust/servers/${seg(s.id)}`, s.name, "name"), off(s)] },
      { title: "Issuer", cell: (s) => code(s.issuer) },
      { title: "Applications", cell: (s) => count((s.clients ?? []).length, "application") },
    ],
  });
  return {
    title: "Trust", intro: "A company's login can vouch for its people here, a platform for its programs, and we for our people elsewhere. Nobody does until you say so.",
    actions: link("/admin/trust/issuers/new", "Trust an issuer", "button"),
    content: [section("Issuers that we trust", issuers), section("Servers that take our word", servers, link("/admin/trust/servers/new", "Add a server"))],
  };
}
