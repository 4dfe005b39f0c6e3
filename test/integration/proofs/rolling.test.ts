import * as rolling from '../../proofs/rolling.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(rolling);
