/** What the command line loads when a model is to be fetched: the hub by way of the proxies that the environment names. */
import { EnvHttpProxyAgent, fetch } from 'undici';
import type { Fetch } from './hubFile';
import { fetchModel, type FetchedModel, type HubRequest } from './hubModel';

/** Fetches with undici, because Node 20's own fetch knows no proxy. */
export async function fetchFromHub(request: Omit<HubRequest, 'fetch'>): Promise<FetchedModel> {
  const dispatcher = new EnvHttpProxyAgent();
  const throughProxy: Fetch = (url, init) => fetch(url, { ...init, dispatcher });
  try {
    return await fetchModel({ ...request, fetch: throughProxy });
  } finally {
    await dispatcher.close();
  }
}
