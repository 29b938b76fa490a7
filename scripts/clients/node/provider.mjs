// A provider keeps in memory what the two TypeScript SDKs ask a host to keep, as their documentation shows it.
import { expect, redirect } from './common.mjs';

export class Provider {
  logins = 0; // how often the person was sent to the authorization server
  constructor({ client, metadataUrl } = {}) {
    this.client = client;
    this.clientMetadataUrl = metadataUrl;
  }
  get redirectUrl() { return redirect; }
  get clientMetadata() {
    return {
      client_name: 'A client of others',
      redirect_uris: [redirect],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    };
  }
  state() { return (this.expectedState = crypto.randomUUID()); }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  redirectToAuthorization(url) { this.logins++; this.url = url; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
  saveDiscoveryState(state) { this.discovered = state; }
  discoveryState() { return this.discovered; }

  // answered takes the answer of the authorization server; the SDKs leave the state to their host.
  answered(url) {
    expect(url.searchParams.get('state') === this.expectedState, `the state is not ours: ${url.search}`);
    expect(!url.searchParams.get('error'), url.searchParams.get('error_description'));
    return url.searchParams;
  }
}
