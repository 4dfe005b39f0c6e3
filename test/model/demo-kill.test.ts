import { embeddedModelFile } from '../helpers/embedded-model.ts';
import { describeShortProof } from '../integration/short-proof.ts';
import * as demoKill from '../proofs/demo-kill.ts';

const file = await embeddedModelFile();

// here, where no other model runs beside it
describeShortProof(demoKill, file.path === undefined);
