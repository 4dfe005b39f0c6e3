import * as sigterm from '../../proofs/sigterm.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(sigterm);
