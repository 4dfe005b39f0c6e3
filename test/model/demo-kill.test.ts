import { embeddedModelFile } from '../helpers/embedded-model.ts';
import { describeShortProof } from '../integration/short-proof.ts';
import * as demoKill from '../proofs/demo-kill.ts';

const file = await embeddedModelFile();

// here, where nothing runs beside it: its model takes all cores
describeShortProof(demoKill, file.path === undefined);
