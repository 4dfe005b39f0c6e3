import * as kill from '../../proofs/kill.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(kill);
