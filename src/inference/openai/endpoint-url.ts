/** An endpoint, by its path from the base URL, which is a folder whether or not it ends with a slash. */
export const endpointUrl = (baseUrl: string, path: string): string => new URL(path, `${baseUrl.replace(/\/+$/, '')}/`).href;
