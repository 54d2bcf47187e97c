/** What runs here, as reports and metrics name it. */

/** Version of the reference node; a test holds it to package.json. */
export const VERSION = '0.1.0';

/** Revision of the spec that the node implements. */
export const SPEC_VERSION = '0.1';
